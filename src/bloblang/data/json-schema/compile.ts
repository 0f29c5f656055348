import { MappingError } from '../../errors.ts'
import { printJson } from '../../json/print.ts'
import { parseJson, withFloats } from '../../json/parse.ts'
import { type Re2, compileRe2 } from '../../text/re2/re2.ts'
import { JsonNumber, isObject } from '../../value.ts'
import type { Value, ValueObject } from '../../value.ts'
import { isArray, numberText } from '../coerce.ts'
import { type Rational, compareRationals, isWhole, parseRational } from './rational.ts'
import { type Draft, draftOf, ReferencePool } from './references.ts'
import { SCHEMA_TYPES, type Schema, type SchemaType, emptySchema } from './schema.ts'

/** Compiles a schema document. Throws its first error. */
export function compileSchema(document: Value): Schema {
  const draft = draftOf(document) ?? 'hybrid'
  return new SchemaCompiler(new ReferencePool(document)).compile(document, draft)
}

/** JSON in which equal values have equal texts: `1.0` is `1`. */
export function canonicalJson(value: Value): string {
  return printJson(withFloats(parseJson(printJson(value))), { escapeHtml: true })
}

const ZERO: Rational = { numerator: 0n, denominator: 1n }

class SchemaCompiler {
  readonly #pool: ReferencePool
  /** By absolute reference, so that recursive schemas find themselves. */
  readonly #references = new Map<string, Schema>()

  constructor(pool: ReferencePool) {
    this.#pool = pool
  }

  compile(document: Value, draft: Draft): Schema {
    return this.#fill(emptySchema(), document, draft)
  }

  #fill(schema: Schema, document: Value, draft: Draft): Schema {
    if (typeof document === 'boolean' && draft !== 4) {
      schema.pass = document
      return schema
    }
    if (!isObject(document)) throw new MappingError('Expected: valid schema, given: Invalid JSON')
    const source = new SchemaSource(document)
    const idKey = draft === 4 || (draft === 'hybrid' && source.has('id')) ? 'id' : '$id'
    source.optionalString(idKey)
    this.#checkDefinitions(source, draft)
    source.optionalString('title')
    source.optionalString('description')
    const reference = source.optionalString('$ref')
    if (reference !== undefined) {
      schema.reference = this.#referenced(this.#pool.absolute(document, reference), draft)
      return schema
    }
    schema.types = source.types()
    this.#readObjects(schema, source, draft)
    this.#readArrays(schema, source, draft)
    readNumbers(schema, source, draft)
    readStrings(schema, source)
    readSizes(schema, source)
    if (source.has('contains') && draft !== 4) schema.contains = this.compile(source.get('contains'), draft)
    if (source.has('const') && draft !== 4) schema.const = canonicalJson(source.get('const'))
    schema.enum = source.enumMembers()
    this.#readCombinations(schema, source, draft)
    return schema
  }

  #referenced(reference: string, draft: Draft): Schema {
    const known = this.#references.get(reference)
    if (known !== undefined) return known
    const schema = emptySchema()
    this.#references.set(reference, schema)
    const document = this.#pool.find(reference)
    if (!isObject(document) && typeof document !== 'boolean') {
      throw new MappingError('valid schema must be of type object')
    }
    return this.#fill(schema, document, draft)
  }

  #checkDefinitions(source: SchemaSource, draft: Draft): void {
    if (!source.has('definitions')) return
    const definitions = source.get('definitions')
    const members = isObject(definitions) ? Object.values(definitions) : [null]
    for (const member of members) {
      if (!isSchema(member)) throw wrongType('array of schemas', 'definitions')
      this.compile(member, draft)
    }
  }

  #readObjects(schema: Schema, source: SchemaSource, draft: Draft): void {
    if (source.has('properties')) {
      const properties = source.get('properties')
      if (!isObject(properties)) throw new MappingError('properties must be of type object')
      for (const [key, property] of Object.entries(properties))
        schema.properties.set(key, this.compile(property, draft))
    }
    schema.additionalProperties = this.#flagOrSchema(source, 'additionalProperties', draft)
    if (source.has('patternProperties')) {
      const patterns = source.get('patternProperties')
      if (!isObject(patterns)) throw wrongType('valid schema', 'patternProperties')
      for (const [pattern, property] of Object.entries(patterns)) {
        const regexp = tryCompile(pattern)
        if (regexp === null) throw new MappingError(`Invalid regex pattern '${pattern}'`)
        schema.patternProperties.push([regexp, this.compile(property, draft)])
      }
    }
    if (source.has('propertyNames') && draft !== 4) {
      if (!isSchema(source.get('propertyNames'))) throw wrongType('valid schema', 'patternProperties')
      schema.propertyNames = this.compile(source.get('propertyNames'), draft)
    }
    if (source.has('dependencies')) this.#readDependencies(schema, source.get('dependencies'), draft)
  }

  #readDependencies(schema: Schema, dependencies: Value, draft: Draft): void {
    if (!isObject(dependencies)) throw new MappingError('dependencies must be of type object')
    const bad = () => new MappingError('dependency must be of type schema or array of strings')
    for (const [key, dependency] of Object.entries(dependencies)) {
      if (isArray(dependency)) {
        if (!dependency.every((name): name is string => typeof name === 'string')) throw bad()
        if (dependency.length > 0) schema.dependencies.set(key, dependency)
      } else {
        if (!isSchema(dependency)) throw bad()
        schema.dependencies.set(key, this.compile(dependency, draft))
      }
    }
  }

  #readArrays(schema: Schema, source: SchemaSource, draft: Draft): void {
    if (source.has('items')) {
      const items = source.get('items')
      const members: readonly Value[] = isArray(items) ? items : [items]
      if (!members.every(isSchema)) throw wrongType('valid schema/array of schemas', 'items')
      schema.items = members.map(member => this.compile(member, draft))
      schema.singleItem = !isArray(items)
    }
    schema.additionalItems = this.#flagOrSchema(source, 'additionalItems', draft)
  }

  #flagOrSchema(source: SchemaSource, key: string, draft: Draft): boolean | Schema | undefined {
    if (!source.has(key)) return undefined
    const value = source.get(key)
    if (typeof value === 'boolean') return value
    if (!isObject(value)) throw wrongType('boolean/valid schema', key)
    return this.compile(value, draft)
  }

  #readCombinations(schema: Schema, source: SchemaSource, draft: Draft): void {
    for (const key of ['oneOf', 'anyOf', 'allOf'] as const) {
      if (!source.has(key)) continue
      const members = source.get(key)
      // The original names the wrong keyword here; the text is kept, because users search for it.
      if (!isArray(members)) throw new MappingError(`${key === 'oneOf' ? key : 'anyOf'} must be of an array`)
      schema[key] = members.map(member => this.compile(member, draft))
    }
    const conditions = draft === 7 || draft === 'hybrid' ? (['not', 'if', 'then', 'else'] as const) : (['not'] as const)
    for (const key of conditions) {
      if (!source.has(key)) continue
      if (!isSchema(source.get(key))) throw new MappingError(`${key} must be of an object`)
      schema[key] = this.compile(source.get(key), draft)
    }
  }
}

function readNumbers(schema: Schema, source: SchemaSource, draft: Draft): void {
  if (source.has('multipleOf')) {
    const multiple = rationalOf(source.get('multipleOf'))
    if (multiple === null) throw wrongType('number', 'multipleOf')
    if (compareRationals(multiple, ZERO) <= 0) throw new MappingError('multipleOf must be strictly greater than 0')
    schema.multipleOf = multiple
  }
  readLimit(schema, source, draft, 'minimum', 'exclusiveMinimum')
  readLimit(schema, source, draft, 'maximum', 'exclusiveMaximum')
}

/** In draft 4 the exclusive limit is a flag on the inclusive one; in later drafts it is a separate number. */
function readLimit(
  schema: Schema,
  source: SchemaSource,
  draft: Draft,
  key: 'minimum' | 'maximum',
  exclusiveKey: 'exclusiveMinimum' | 'exclusiveMaximum',
): void {
  if (source.has(key)) {
    const limit = rationalOf(source.get(key))
    if (limit === null) throw new MappingError(`${key} must be of a number`)
    schema[key] = limit
  }
  if (!source.has(exclusiveKey)) return
  const exclusive = source.get(exclusiveKey)
  const number = rationalOf(exclusive)
  if (typeof exclusive === 'boolean' && (draft === 4 || draft === 'hybrid')) {
    if (schema[key] === undefined) throw new MappingError(`${exclusiveKey} cannot be used without ${key}`)
    if (!exclusive) return
    schema[exclusiveKey] = schema[key]
    delete schema[key]
  } else if (number !== null && draft !== 4) {
    schema[exclusiveKey] = number
  } else {
    throw wrongType(draft === 4 ? 'boolean' : draft === 'hybrid' ? 'boolean/number' : 'number', exclusiveKey)
  }
}

function readStrings(schema: Schema, source: SchemaSource): void {
  schema.minLength = source.size('minLength')
  schema.maxLength = source.size('maxLength')
  if (isAbove(schema.minLength, schema.maxLength)) throw new MappingError('minLength cannot be greater than maxLength')
  if (source.has('pattern')) {
    const pattern = source.get('pattern')
    if (typeof pattern !== 'string') throw new MappingError('pattern must be of a string')
    const regexp = tryCompile(pattern)
    if (regexp === null) throw new MappingError('pattern must be a valid regex')
    schema.pattern = regexp
  }
  if (source.has('format')) {
    const format = source.get('format')
    if (typeof format !== 'string') throw new MappingError('format must be of type string')
    schema.format = format
  }
}

function readSizes(schema: Schema, source: SchemaSource): void {
  schema.minProperties = source.size('minProperties')
  schema.maxProperties = source.size('maxProperties')
  if (isAbove(schema.minProperties, schema.maxProperties)) {
    throw new MappingError('minProperties cannot be greater than maxProperties')
  }
  schema.required = source.required()
  schema.minItems = source.size('minItems')
  schema.maxItems = source.size('maxItems')
  if (source.has('uniqueItems')) {
    const unique = source.get('uniqueItems')
    if (typeof unique !== 'boolean') throw new MappingError('uniqueItems must be of a boolean')
    schema.uniqueItems = unique
  }
}

/** The members of a schema document, read with the original's checks. */
class SchemaSource {
  readonly #members: ValueObject

  constructor(members: ValueObject) {
    this.#members = members
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#members, key)
  }

  get(key: string): Value {
    return this.#members[key]!
  }

  optionalString(key: string): string | undefined {
    if (!this.has(key)) return undefined
    const value = this.get(key)
    if (typeof value !== 'string') throw wrongType('string', key)
    return value
  }

  types(): SchemaType[] {
    if (!this.has('type')) return []
    const given = this.get('type')
    const names: readonly Value[] = isArray(given) ? given : [given]
    const types: SchemaType[] = []
    for (const name of names) {
      if (typeof name !== 'string') throw wrongType('string/array of strings', 'type')
      if (!isSchemaType(name)) {
        const known = SCHEMA_TYPES.join(' ')
        throw new MappingError(
          `has a primitive type that is NOT VALID -- given: /${name}/ Expected valid values are:[${known}]`,
        )
      }
      if (types.includes(name)) throw new MappingError(`${name} type is duplicated`)
      types.push(name)
    }
    return types
  }

  size(key: string): bigint | undefined {
    if (!this.has(key)) return undefined
    const value = this.get(key)
    const text = typeof value === 'number' || value instanceof JsonNumber ? numberText(value) : ''
    if (!/^-?\d{1,18}$/.test(text)) throw new MappingError(`${key} must be of an integer`)
    const size = BigInt(text)
    if (size < 0n) throw new MappingError(`${key} must be greater than or equal to 0`)
    return size
  }

  required(): string[] {
    if (!this.has('required')) return []
    const names = this.get('required')
    if (!isArray(names)) throw new MappingError('required must be of an array')
    const required: string[] = []
    for (const name of names) {
      if (typeof name !== 'string') throw new MappingError('required items must be string')
      if (required.includes(name)) throw new MappingError('required items must be unique')
      required.push(name)
    }
    return required
  }

  enumMembers(): string[] {
    if (!this.has('enum')) return []
    const members = this.get('enum')
    if (!isArray(members)) throw new MappingError('enum must be of an array')
    const texts = members.map(canonicalJson)
    if (new Set(texts).size < texts.length) throw new MappingError('enum items must be unique')
    return texts
  }
}

function isSchema(value: Value): boolean {
  return isObject(value) || typeof value === 'boolean'
}

function isSchemaType(name: string): name is SchemaType {
  return SCHEMA_TYPES.some(type => type === name)
}

function isAbove(least: bigint | undefined, most: bigint | undefined): boolean {
  return least !== undefined && most !== undefined && least > most
}

/** Whether a number is an integer, which depends on its value rather than its text: `1.0` is. */
export function isWholeNumber(value: number | JsonNumber): boolean {
  return isWhole(parseRational(numberText(value)))
}

function rationalOf(value: Value): Rational | null {
  return typeof value === 'number' || value instanceof JsonNumber ? parseRational(numberText(value)) : null
}

function tryCompile(pattern: string): Re2 | null {
  try {
    return compileRe2(pattern)
  } catch (error) {
    if (error instanceof MappingError) return null
    throw error
  }
}

function wrongType(expected: string, given: string): MappingError {
  return new MappingError(`Invalid type. Expected: ${expected}, given: ${given}`)
}
