import { parseJson } from '../../src/bloblang/json/parse.ts'
import { numberOfText } from '../../src/bloblang/json/scan.ts'
import { DELETED, Float, JsonNumber, NOTHING, Opaque, Uint64, type Value, isObject } from '../../src/bloblang/value.ts'

/** One recorded case; its fields depend on its kind. */
export interface Vector {
  readonly [field: string]: Value | undefined
}

/** Reads a case, keeping the text of numbers: `3.0` means a float. */
export function readVector(line: string): Vector {
  return parseJson(line) as Vector // a line of vectors is an object
}

/** A typed value of a case: `{"$int"}`, `{"$bytes"}` …; numbers without a point are int64, others float64. */
export function typed(value: Value): Value {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : new Float(value)
  if (value instanceof JsonNumber) {
    return /^-?\d+$/.test(value.text) ? BigInt(value.text) : new Float(Number(value.text))
  }
  if (Array.isArray(value)) return (value as readonly Value[]).map(typed) // a vector's fields are values
  if (!isObject(value)) return value
  const keys = Object.keys(value)
  if (keys.length === 1 && keys[0]!.startsWith('$')) return special(keys[0]!, value[keys[0]!]!)
  return Object.fromEntries(keys.map(key => [key, typed(value[key]!)]))
}

function special(kind: string, value: Value): Value {
  switch (kind) {
    case '$bytes':
      return Buffer.from(String(value), 'utf8')
    case '$int':
      return BigInt(String(value))
    case '$number':
      return numberOfText(String(value))
    case '$delete':
      return DELETED
    case '$nothing':
      return NOTHING
    default:
      throw new Error(`unknown kind of value ${kind}`)
  }
}

/** Whether two values are equal; numbers are compared by value. */
export function same(left: Value, right: Value, delta = 0): boolean {
  if (left instanceof Opaque || right instanceof Opaque) {
    return same(Opaque.contentOf(left), Opaque.contentOf(right), delta)
  }
  const [a, b] = [numberOf(left), numberOf(right)]
  if (a !== undefined || b !== undefined) {
    return (
      a !== undefined && b !== undefined && (Object.is(a, b) || a === b || Math.abs(Number(a) - Number(b)) <= delta)
    )
  }
  if (left instanceof Uint8Array || right instanceof Uint8Array) {
    return left instanceof Uint8Array && right instanceof Uint8Array && Buffer.compare(left, right) === 0
  }
  if (Array.isArray(left) && Array.isArray(right)) {
    // A vector's fields are values.
    return left.length === right.length && left.every((item: Value, at) => same(item, right[at] as Value, delta))
  }
  if (isObject(left) && isObject(right)) {
    const keys = Object.keys(left)
    return (
      keys.length === Object.keys(right).length &&
      keys.every(key => Object.hasOwn(right, key) && same(left[key]!, right[key]!, delta))
    )
  }
  return left === right
}

function numberOf(value: Value): number | undefined {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof Float) return value.value
  if (value instanceof Uint64) return Number(value.value)
  return value instanceof JsonNumber ? Number(value.text) : undefined
}
