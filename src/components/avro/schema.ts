import { fieldsOf, messageOf, isRecord } from '../../base/index.ts'
/** A type of an Avro schema. References to the same type share one object. */
export type AvroType =
  | { readonly kind: Primitive; readonly name: string; readonly logical?: Logical }
  | RecordType
  | { readonly kind: 'enum'; readonly name: string; readonly symbols: readonly string[] }
  | { readonly kind: 'fixed'; readonly name: string; readonly size: number; readonly decimal?: Decimal }
  | { readonly kind: 'bytes'; readonly name: string; readonly decimal?: Decimal }
  | { readonly kind: 'array'; readonly name: 'array'; readonly items: AvroType }
  | { readonly kind: 'map'; readonly name: 'map'; readonly values: AvroType }
  | { readonly kind: 'union'; readonly name: 'union'; readonly members: readonly AvroType[] }

type Primitive = 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'string'

/** The meaning of an `int` or `long`. */
export type Logical = 'date' | 'time-millis' | 'time-micros' | 'timestamp-millis' | 'timestamp-micros'

export interface Decimal {
  readonly scale: number
}

interface RecordType {
  readonly kind: 'record'
  readonly name: string
  /** Filled in once all types are known. */
  readonly fields: AvroField[]
}

export interface AvroField {
  readonly name: string
  readonly type: AvroType
  /** As in the schema; undefined if there is none. */
  readonly defaultValue: unknown
}

/** An invalid schema. */
export class AvroSchemaError extends Error {
  constructor(reason: string) {
    super(reason)
    this.name = 'AvroSchemaError'
  }
}

/** Maximum nesting of types, not counting recursive references. */
const MAX_DEPTH = 200

type Json = Readonly<Record<string, unknown>>

/** Parses a schema. Throws {@link AvroSchemaError}, worded like the errors of the original's library. */
export function parseAvroSchema(text: string): AvroType {
  let schema: unknown
  try {
    schema = JSON.parse(text)
  } catch (error) {
    throw new AvroSchemaError(`cannot unmarshal schema JSON: ${messageOf(error)}`)
  }
  return new Builder().type(schema, '', 0)
}

const PRIMITIVES: readonly string[] = ['null', 'boolean', 'int', 'long', 'float', 'double', 'string', 'bytes']

const LOGICAL: Readonly<Record<string, Logical>> = {
  'int.date': 'date',
  'int.time-millis': 'time-millis',
  'long.time-micros': 'time-micros',
  'long.timestamp-millis': 'timestamp-millis',
  'long.timestamp-micros': 'timestamp-micros',
}

class Builder {
  readonly #named = new Map<string, AvroType>()

  type(schema: unknown, namespace: string, depth: number): AvroType {
    if (depth > MAX_DEPTH) throw new AvroSchemaError(`schema nested more than ${MAX_DEPTH} levels deep`)
    if (typeof schema === 'string') return this.#named_(schema, namespace)
    if (Array.isArray(schema)) return this.#union(schema, namespace, depth)
    if (isRecord(schema)) return this.#object(schema, namespace, depth)
    throw new AvroSchemaError(`unknown schema type: ${goType(schema)}`)
  }

  #named_(name: string, namespace: string): AvroType {
    if (name === 'bytes') return { kind: 'bytes', name }
    if (PRIMITIVES.includes(name)) return { kind: name as Primitive, name } // found among the primitives
    const type = this.#named.get(name) ?? (namespace === '' ? undefined : this.#named.get(`${namespace}.${name}`))
    if (type === undefined) throw new AvroSchemaError(`unknown type name: ${JSON.stringify(name)}`)
    return type
  }

  #union(members: readonly unknown[], namespace: string, depth: number): AvroType {
    if (members.length === 0) throw new AvroSchemaError('Union ought to have one or more members')
    const names = new Set<string>()
    const types = members.map((member, index) => {
      const type = within(`Union item ${index + 1} ought to be valid Avro type`, () =>
        this.type(member, namespace, depth + 1),
      )
      if (names.has(type.name))
        throw new AvroSchemaError(`Union item ${index + 1} ought to be unique type: ${type.name}`)
      names.add(type.name)
      return type
    })
    return { kind: 'union', name: 'union', members: types }
  }

  #object(schema: Json, namespace: string, depth: number): AvroType {
    const { type } = schema
    if (type === undefined) throw new AvroSchemaError(`missing type: ${JSON.stringify(schema)}`)
    if (typeof type !== 'string') return this.type(type, namespace, depth + 1)
    switch (type) {
      case 'record':
      case 'error':
        return this.#record(schema, namespace, depth)
      case 'enum':
        return this.#enum(schema, namespace)
      case 'fixed':
        return this.#fixed(schema, namespace)
      case 'array':
        if (schema['items'] === undefined) throw new AvroSchemaError('Array ought to have items key')
        return {
          kind: 'array',
          name: 'array',
          items: within('Array items ought to be valid Avro type', () =>
            this.type(schema['items'], namespace, depth + 1),
          ),
        }
      case 'map':
        if (schema['values'] === undefined) throw new AvroSchemaError('Map ought to have values key')
        return {
          kind: 'map',
          name: 'map',
          values: within('Map values ought to be valid Avro type', () =>
            this.type(schema['values'], namespace, depth + 1),
          ),
        }
      default:
        return this.#logical(type, schema, namespace)
    }
  }

  #logical(type: string, schema: Json, namespace: string): AvroType {
    const { logicalType } = schema
    const name = `${type}.${String(logicalType)}`
    const logical = Object.hasOwn(LOGICAL, name) ? LOGICAL[name] : undefined
    if (logical !== undefined) return { kind: type as Primitive, name, logical } // LOGICAL only has names of primitives
    if (name === 'bytes.decimal') return { kind: 'bytes', name, decimal: decimalOf(schema) }
    return this.#named_(type, namespace)
  }

  #record(schema: Json, namespace: string, depth: number): AvroType {
    const name = within('Record ought to have valid name', () => nameOf(schema, namespace))
    const { fields } = schema
    const what = `Record ${JSON.stringify(name)}`
    if (fields === undefined) throw new AvroSchemaError(`${what} ought to have fields key`)
    if (!Array.isArray(fields))
      throw new AvroSchemaError(`${what} fields ought to be non-nil array: ${JSON.stringify(fields)}`)
    const record: RecordType = { kind: 'record', name, fields: [] }
    this.#named.set(name, record)
    const inner = name.slice(0, Math.max(0, name.lastIndexOf('.')))
    const names = new Set<string>()
    const written: readonly unknown[] = fields
    for (const [index, field] of written.entries()) {
      const place = `${what} field ${index + 1}`
      if (typeof field !== 'object' || field === null) {
        throw new AvroSchemaError(`${place} ought to be valid Avro named type; received: ${JSON.stringify(field)}`)
      }
      const entry = fieldsOf(field)
      const type = within(`${place} ought to be valid Avro named type`, () => this.#object(entry, inner, depth + 1))
      const full = within(`${place} ought to have valid name`, () => nameOf(entry, inner))
      const short = full.slice(full.lastIndexOf('.') + 1)
      if (names.has(short)) throw new AvroSchemaError(`${place} ought to have unique name: ${JSON.stringify(short)}`)
      names.add(short)
      record.fields.push({ name: short, type, defaultValue: entry['default'] })
    }
    return record
  }

  #enum(schema: Json, namespace: string): AvroType {
    const name = within('Enum ought to have valid name', () => nameOf(schema, namespace))
    const { symbols } = schema
    const what = `Enum ${JSON.stringify(name)}`
    if (symbols === undefined) throw new AvroSchemaError(`${what} ought to have symbols key`)
    if (!Array.isArray(symbols) || symbols.length === 0 || !symbols.every(symbol => typeof symbol === 'string')) {
      throw new AvroSchemaError(`${what} symbols ought to be non-empty array of strings: ${JSON.stringify(symbols)}`)
    }
    const type: AvroType = { kind: 'enum', name, symbols }
    this.#named.set(name, type)
    return type
  }

  #fixed(schema: Json, namespace: string): AvroType {
    const decimal = schema['logicalType'] === 'decimal' ? decimalOf(schema) : undefined
    const name = within('Fixed ought to have valid name', () => nameOf(schema, namespace))
    const size = Number(schema['size'])
    if (schema['size'] === undefined) throw new AvroSchemaError(`Fixed ${JSON.stringify(name)} ought to have size key`)
    if (!Number.isSafeInteger(size) || size <= 0) {
      throw new AvroSchemaError(
        `Fixed ${JSON.stringify(name)} size ought to be number greater than zero: ${String(schema['size'])}`,
      )
    }
    const type: AvroType = { kind: 'fixed', name, size, ...(decimal === undefined ? {} : { decimal }) }
    this.#named.set(name, type)
    return type
  }
}

function within<T>(what: string, build: () => T): T {
  try {
    return build()
  } catch (error) {
    if (!(error instanceof AvroSchemaError)) throw error
    throw new AvroSchemaError(`${what}: ${error.message}`)
  }
}

function nameOf(schema: Json, enclosing: string): string {
  const { name, namespace = '' } = schema
  if (name === undefined) throw new AvroSchemaError('schema ought to have name key')
  if (typeof name !== 'string' || name === '') {
    throw new AvroSchemaError(`schema name ought to be non-empty string; received: ${goType(name)}: ${String(name)}`)
  }
  if (typeof namespace !== 'string') {
    throw new AvroSchemaError(`schema namespace, if provided, ought to be a string; received: ${goType(namespace)}`)
  }
  const space = namespace === '' ? enclosing : namespace
  const full = name.includes('.') || space === '' ? name : `${space}.${name}`
  for (const part of full.split('.')) {
    if (part === '') throw new AvroSchemaError('schema name ought to be non-empty string')
    if (!/^[A-Za-z_]/.test(part)) throw new AvroSchemaError(`schema name ought to start with [A-Za-z_]: ${part}`)
    if (!/^\w+$/.test(part)) {
      throw new AvroSchemaError(
        `schema name ought to have second and remaining characters contain only [A-Za-z0-9_]: ${part}`,
      )
    }
  }
  return full
}

function decimalOf({ precision, scale = 0 }: Json): Decimal {
  if (precision === undefined) throw new AvroSchemaError('cannot create decimal logical type without precision')
  if (typeof precision !== 'number' || typeof scale !== 'number') {
    throw new AvroSchemaError('cannot create decimal logical type with wrong precision or scale type')
  }
  if (precision < 1)
    throw new AvroSchemaError(`cannot create decimal logical type when precision is less than one: ${precision}`)
  if (scale < 0) throw new AvroSchemaError(`cannot create decimal logical type when scale is less than zero: ${scale}`)
  if (scale > precision) {
    throw new AvroSchemaError(
      `cannot create decimal logical type when scale is larger than precision: ${scale} > ${precision}`,
    )
  }
  return { scale }
}

function goType(value: unknown): string {
  if (value === null || value === undefined) return '<nil>'
  // The lookup fails for any type other than these three.
  return { string: 'string', number: 'float64', boolean: 'bool' }[typeof value as string] ?? 'map[string]interface {}'
}
