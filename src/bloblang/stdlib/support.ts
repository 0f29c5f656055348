/**
 * What functions and methods share: reading values as something, equality, printing, copying. The value model itself is in
 * ../value.ts.
 */
import { getBool, getNumber, getString, sanitize } from '../data/coerce.ts'
import { formatGoFloat } from '../data/go-float.ts'
import { textOf } from '../data/text-order.ts'
import { timestampText } from '../text/timestamp-text.ts'
import { printJson } from '../json/print.ts'
import { MappingError, WrongTypeError } from '../errors.ts'
import {
  DELETED,
  Float,
  JsonNumber,
  NarrowFloat,
  NOTHING,
  Opaque,
  Timestamp,
  Uint64,
  type Value,
  type ValueObject,
} from '../value.ts'

export * from '../data/coerce.ts'
export { compareText, sortedKeys } from '../data/text-order.ts'
export { parseJson, parseDocument, withFloats } from '../json/parse.ts'
export { printJson } from '../json/print.ts'

/** null, `deleted()` and nothing count as null for `|`, `.or()` and the like. */
export function isNull(value: Value): boolean {
  return value === null || value === DELETED || value === NOTHING
}

/** A value as text, as `.string()` and interpolations print it: floats in Go's shortest form, documents as JSON with HTML escapes. */
export function toText(value: Value): string {
  switch (typeof value) {
    case 'string':
      return value
    case 'number':
      return String(value)
    case 'bigint':
      return value.toString()
    case 'boolean':
      return value ? 'true' : 'false'
    case 'symbol':
      return 'null'
    default: // an object, or null
      if (value === null) return 'null'
      if (value instanceof Uint8Array) return textOf(value)
      if (value instanceof JsonNumber) return value.text
      if (value instanceof NarrowFloat) return printJson(value)
      if (value instanceof Float) return formatGoFloat(value.value)
      if (value instanceof Uint64) return value.value.toString()
      if (value instanceof Timestamp) return timestampText(value)
      return printJson(value, { escapeHtml: true })
  }
}

/** A deep copy of arrays and objects; everything else is immutable and shared. */
export function clone(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(clone)
  if (!isPlainObject(value)) return value
  const copy: Record<string, Value> = {}
  for (const key of Object.keys(value)) setOwn(copy, key, clone(value[key]!))
  return copy
}

/** Sets a field whatever its name: `__proto__` is a legal key of a document. */
export function setOwn(object: Record<string, Value>, key: string, value: Value): void {
  if (key === '__proto__')
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
  else object[key] = value
}

/** Whether it is an object with fields. */
export function isPlainObject(value: Value): value is ValueObject {
  if (typeof value !== 'object' || value === null) return false
  // Almost every object is one of these.
  if (Object.getPrototypeOf(value) === Object.prototype) return true
  return (
    !Array.isArray(value) &&
    !(
      value instanceof Float ||
      value instanceof JsonNumber ||
      value instanceof Uint64 ||
      value instanceof Uint8Array ||
      value instanceof Timestamp ||
      value instanceof Opaque
    )
  )
}

/**
 * Equality as `==`, `match`, `contains` and `index_of` see it. The left side decides how the right one is read, so it is not
 * symmetric: `false == 0` holds, `0 == false` does not. Numbers compare as float64, bytes and timestamps as text.
 */
export function equals(left: Value, right: Value): boolean {
  if (left === null) return right === null
  switch (typeof left) {
    case 'string':
      return typeof right === 'string' ? left === right : left === attempt(getString, right)
    case 'boolean':
      return typeof right === 'boolean' ? left === right : left === attempt(getBool, right)
    case 'number':
    case 'bigint':
      return Number(left) === (typeof right === 'number' ? right : attempt(getNumber, right))
    case 'symbol':
      return false
    default: // an object, or null
      return equalObjects(left, right)
  }
}

function equalObjects(left: object & Value, right: Value): boolean {
  if (Array.isArray(left)) {
    if (!Array.isArray(right) || left.length !== right.length) return false
    return left.every((element, at) => equals(element, right[at]!))
  }
  if (isPlainObject(left)) {
    if (!isPlainObject(right)) return false
    const keys = Object.keys(left)
    if (keys.length !== Object.keys(right).length) return false
    return keys.every(key => Object.hasOwn(right, key) && equals(left[key]!, right[key]!))
  }
  const plain = left instanceof Uint8Array ? textOf(left) : sanitize(left)
  return typeof plain === 'string'
    ? plain === attempt(getString, right)
    : getNumber(plain) === attempt(getNumber, right)
}

/** What a getter makes of a value; undefined where it is of another type or out of range. */
function attempt<T>(getter: (value: Value) => T, value: Value): T | undefined {
  try {
    return getter(value)
  } catch (error) {
    if (error instanceof WrongTypeError || error instanceof MappingError) return undefined
    throw error
  }
}
