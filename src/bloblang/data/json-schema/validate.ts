import { type Value, JsonNumber, type ValueObject, isObject } from '../../value.ts'
import { isArray, numberText } from '../coerce.ts'
import { canonicalJson, isWholeNumber } from './compile.ts'
import { hasFormat } from './formats.ts'
import { type Rational, compareRationals, formatRational, isMultiple, parseRational } from './rational.ts'
import type { Schema, SchemaType } from './schema.ts'

/** One violation of a schema by a document. */
export interface Violation {
  /** The dot path of the value, `(root)` for the document itself. */
  readonly field: string
  readonly description: string
  /** The property name at the start of the description, whose case is preserved. */
  readonly property?: string
}

/** Checks a document against a schema; an empty result means that it is valid. */
export function validate(schema: Schema, document: Value): readonly Violation[] {
  return new Check().run(schema, document, []).violations
}

/** The result for a part of a document. If several schemas fail, the highest score explains the failure. */
class Outcome {
  readonly violations: Violation[] = []
  score = 0

  get isValid(): boolean {
    return this.violations.length === 0
  }

  fail(path: readonly string[], description: string, property?: string): void {
    const field = path.length === 0 ? '(root)' : path.join('.')
    this.violations.push(property === undefined ? { field, description } : { field, description, property })
    // A net loss of one, because each step gains one at its end.
    this.score -= 2
  }

  merge(other: Outcome): void {
    this.violations.push(...other.violations)
    this.score += other.score
  }
}

type Path = readonly string[]

class Check {
  run(schema: Schema, node: Value, path: Path): Outcome {
    const outcome = new Outcome()
    this.#into(outcome, schema, node, path)
    return outcome
  }

  #into(outcome: Outcome, schema: Schema, node: Value, path: Path): void {
    if (schema.pass !== undefined) {
      if (!schema.pass) outcome.fail(path, 'False always fails validation')
      return
    }
    if (schema.reference !== undefined) return this.#into(outcome, schema.reference, node, path)
    const type = typeOfNode(node)
    if (
      schema.types.length > 0 &&
      !schema.types.includes(type) &&
      !(type === 'integer' && schema.types.includes('number'))
    ) {
      const expected = schema.types.length === 1 ? schema.types[0]! : `[${schema.types.join(',')}]`
      outcome.fail(path, `Invalid type. Expected: ${expected}, given: ${type}`)
      return
    }
    this.#combinations(outcome, schema, node, path)
    if (isArray(node)) this.#array(outcome, schema, node, path)
    else if (isObject(node)) this.#object(outcome, schema, node, path)
    else if (isNumberNode(node)) checkNumber(outcome, schema, node, path)
    checkValue(outcome, schema, node, path)
    if (typeof node === 'string') checkString(outcome, schema, node, path)
    if (isObject(node)) {
      for (const [key, property] of schema.properties) {
        if (Object.hasOwn(node, key)) this.#into(outcome, property, node[key]!, [...path, key])
      }
    }
    outcome.score++
  }

  #combinations(outcome: Outcome, schema: Schema, node: Value, path: Path): void {
    if (schema.anyOf.length > 0) this.#anyOf(outcome, schema.anyOf, node, path)
    if (schema.oneOf.length > 0) this.#oneOf(outcome, schema.oneOf, node, path)
    if (schema.allOf.length > 0) {
      const results = schema.allOf.map(member => this.run(member, node, path))
      for (const result of results) outcome.merge(result)
      if (!results.every(result => result.isValid)) outcome.fail(path, 'Must validate all the schemas (allOf)')
    }
    if (schema.not !== undefined && this.run(schema.not, node, path).isValid) {
      outcome.fail(path, 'Must not validate the schema (not)')
    }
    if (isObject(node)) this.#dependencies(outcome, schema, node, path)
    this.#condition(outcome, schema, node, path)
    outcome.score++
  }

  #anyOf(outcome: Outcome, members: readonly Schema[], node: Value, path: Path): void {
    let best: Outcome | null = null
    for (const member of members) {
      const result = this.run(member, node, path)
      if (result.isValid) return
      if (best === null || result.score > best.score) best = result
    }
    outcome.fail(path, 'Must validate at least one schema (anyOf)')
    if (best !== null) outcome.merge(best)
  }

  #oneOf(outcome: Outcome, members: readonly Schema[], node: Value, path: Path): void {
    let best: Outcome | null = null
    let valid = 0
    for (const member of members) {
      const result = this.run(member, node, path)
      if (result.isValid) valid++
      else if (valid === 0 && (best === null || result.score > best.score)) best = result
    }
    if (valid === 1) return
    outcome.fail(path, 'Must validate one and only one schema (oneOf)')
    if (valid === 0 && best !== null) outcome.merge(best)
  }

  #dependencies(outcome: Outcome, schema: Schema, node: ValueObject, path: Path): void {
    if (schema.dependencies.size === 0) return
    for (const key of Object.keys(node)) {
      const dependency = schema.dependencies.get(key)
      if (dependency === undefined) continue
      // The keyword takes a list of names or a schema.
      if (!Array.isArray(dependency)) this.#into(outcome, dependency as Schema, node, path)
      else {
        for (const needed of dependency) {
          if (!Object.hasOwn(node, needed)) outcome.fail(path, `Has a dependency on ${needed}`)
        }
      }
    }
  }

  #condition(outcome: Outcome, schema: Schema, node: Value, path: Path): void {
    if (schema.if === undefined) return
    const holds = this.run(schema.if, node, path).isValid
    const branch = holds ? schema.then : schema.else
    if (branch === undefined) return
    const result = this.run(branch, node, path)
    if (result.isValid) return
    outcome.fail(path, holds ? 'Must validate "then" as "if" was valid' : 'Must validate "else" as "if" was not valid')
    outcome.merge(result)
  }

  #array(outcome: Outcome, schema: Schema, node: readonly Value[], path: Path): void {
    if (schema.singleItem) {
      for (const [at, item] of node.entries()) outcome.merge(this.run(schema.items[0]!, item, [...path, String(at)]))
    } else if (schema.items.length > 0) this.#positionalItems(outcome, schema, node, path)
    if (schema.minItems !== undefined && node.length < schema.minItems) {
      outcome.fail(path, `Array must have at least ${schema.minItems} items`)
    }
    if (schema.maxItems !== undefined && node.length > schema.maxItems) {
      outcome.fail(path, `Array must have at most ${schema.maxItems} items`)
    }
    if (schema.uniqueItems) {
      const places = new Map<string, number>()
      for (const [at, item] of node.entries()) {
        const text = canonicalJson(item)
        const earlier = places.get(text)
        if (earlier !== undefined) outcome.fail(path, `array items[${earlier},${at}] must be unique`)
        places.set(text, at)
      }
    }
    if (schema.contains !== undefined) this.#contains(outcome, schema.contains, node, path)
    outcome.score++
  }

  #positionalItems(outcome: Outcome, schema: Schema, node: readonly Value[], path: Path): void {
    const { items, additionalItems } = schema
    for (const [at, item] of node.entries()) {
      if (at < items.length) outcome.merge(this.run(items[at]!, item, [...path, String(at)]))
    }
    if (items.length >= node.length || additionalItems === undefined || additionalItems === true) return
    if (additionalItems === false) return outcome.fail(path, 'No additional items allowed on array')
    for (let at = items.length; at < node.length; at++) {
      outcome.merge(this.run(additionalItems, node[at]!, [...path, String(at)]))
    }
  }

  #contains(outcome: Outcome, schema: Schema, node: readonly Value[], path: Path): void {
    let best: Outcome | null = null
    for (const [at, item] of node.entries()) {
      const result = this.run(schema, item, [...path, String(at)])
      if (result.isValid) return
      if (best === null || result.score > best.score) best = result
    }
    outcome.fail(path, 'At least one of the items must match')
    if (best !== null) outcome.merge(best)
  }

  #object(outcome: Outcome, schema: Schema, node: ValueObject, path: Path): void {
    const keys = Object.keys(node)
    if (schema.minProperties !== undefined && keys.length < schema.minProperties) {
      outcome.fail(path, `Must have at least ${schema.minProperties} properties`)
    }
    if (schema.maxProperties !== undefined && keys.length > schema.maxProperties) {
      outcome.fail(path, `Must have at most ${schema.maxProperties} properties`)
    }
    for (const name of schema.required) {
      if (Object.hasOwn(node, name)) outcome.score++
      else outcome.fail(path, ' is required', name)
    }
    for (const key of keys) this.#property(outcome, schema, key, node[key]!, path)
    if (schema.propertyNames !== undefined) {
      for (const key of keys) {
        const result = this.run(schema.propertyNames, key, path)
        if (result.isValid) continue
        outcome.fail(path, 'Property name of "\0" does not match', key)
        outcome.merge(result)
      }
    }
    outcome.score++
  }

  #property(outcome: Outcome, schema: Schema, key: string, value: Value, path: Path): void {
    let isMatched = false
    for (const [pattern, property] of schema.patternProperties) {
      if (!pattern.test(key)) continue
      isMatched = true
      outcome.merge(this.run(property, value, [...path, key]))
    }
    if (isMatched) outcome.score++
    const { additionalProperties } = schema
    if (isMatched || schema.properties.has(key) || additionalProperties === undefined || additionalProperties === true)
      return
    if (additionalProperties === false) outcome.fail(path, 'Additional property \0 is not allowed', key)
    else outcome.merge(this.run(additionalProperties, value, [...path, key]))
  }
}

function checkValue(outcome: Outcome, schema: Schema, node: Value, path: Path): void {
  const field = path.length === 0 ? '(root)' : path.join('.')
  if (schema.const !== undefined && canonicalJson(node) !== schema.const) {
    outcome.fail(path, `${field} does not match: ${schema.const}`)
  }
  if (schema.enum.length > 0 && !schema.enum.includes(canonicalJson(node))) {
    outcome.fail(path, `${field} must be one of the following: ${schema.enum.join(', ')}`)
  }
  outcome.score++
}

function checkString(outcome: Outcome, schema: Schema, text: string, path: Path): void {
  const { length } = Array.from(text)
  if (schema.minLength !== undefined && length < schema.minLength) {
    outcome.fail(path, `String length must be greater than or equal to ${schema.minLength}`)
  }
  if (schema.maxLength !== undefined && length > schema.maxLength) {
    outcome.fail(path, `String length must be less than or equal to ${schema.maxLength}`)
  }
  if (schema.pattern !== undefined && !schema.pattern.test(text)) {
    outcome.fail(path, `Does not match pattern '${schema.pattern.pattern}'`)
  }
  if (schema.format !== undefined && !hasFormat(schema.format, text)) {
    outcome.fail(path, `Does not match format '${schema.format}'`)
  }
  outcome.score++
}

function checkNumber(outcome: Outcome, schema: Schema, node: number | JsonNumber, path: Path): void {
  const number = parseRational(numberText(node))
  const compare = (limit: Rational) => compareRationals(number, limit)
  if (schema.multipleOf !== undefined && !isMultiple(number, schema.multipleOf)) {
    outcome.fail(path, `Must be a multiple of ${formatRational(schema.multipleOf)}`)
  }
  if (schema.maximum !== undefined && compare(schema.maximum) > 0) {
    outcome.fail(path, `Must be less than or equal to ${formatRational(schema.maximum)}`)
  }
  if (schema.exclusiveMaximum !== undefined && compare(schema.exclusiveMaximum) >= 0) {
    outcome.fail(path, `Must be less than ${formatRational(schema.exclusiveMaximum)}`)
  }
  if (schema.minimum !== undefined && compare(schema.minimum) < 0) {
    outcome.fail(path, `Must be greater than or equal to ${formatRational(schema.minimum)}`)
  }
  if (schema.exclusiveMinimum !== undefined && compare(schema.exclusiveMinimum) <= 0) {
    outcome.fail(path, `Must be greater than ${formatRational(schema.exclusiveMinimum)}`)
  }
  if (schema.format !== undefined && !hasFormat(schema.format, null)) {
    outcome.fail(path, `Does not match format '${schema.format}'`)
  }
  outcome.score++
}

function typeOfNode(node: Value): SchemaType {
  if (node === null) return 'null'
  if (typeof node === 'boolean') return 'boolean'
  if (typeof node === 'string') return 'string'
  if (isArray(node)) return 'array'
  if (isNumberNode(node)) return isWholeNumber(node) ? 'integer' : 'number'
  return 'object'
}

function isNumberNode(node: Value): node is number | JsonNumber {
  return typeof node === 'number' || node instanceof JsonNumber
}
