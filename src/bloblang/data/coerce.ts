import { MappingError, WrongTypeError } from '../errors.ts'
import { Float, JsonNumber, NarrowFloat, NarrowInteger, Timestamp, Uint64, isObject } from '../value.ts'
import type { Value, ValueObject, ValueType } from '../value.ts'
import {
  MAX_INT64,
  MAX_UINT64,
  MIN_INT64,
  parseFloat32,
  parseFloat64,
  parseInt64,
  parseUint64,
} from './parse-number.ts'
import { utf8Text } from '../text/bytes.ts'
import { formatRfc3339 } from './time/format.ts'

/**
 * Conversions of values. `expect…` and `get…` accept only values of a matching type, `to…` also parse texts. All throw
 * the original's errors.
 */
export function expectArray(value: Value, ...expected: ValueType[]): readonly Value[] {
  if (isArray(value)) return value
  throw new WrongTypeError(expected.length > 0 ? expected : ['array'], value)
}

/** Returns the value if it is an object. */
export function expectObject(value: Value): ValueObject {
  if (isObject(value)) return value
  throw new WrongTypeError(['object'], value)
}

/** Returns the value if it is a boolean. */
export function expectBool(value: Value): boolean {
  if (typeof value === 'boolean') return value
  throw new WrongTypeError(['bool'], value)
}

/** Whether the value is an array; unlike `Array.isArray`, keeps the elements read-only. */
export function isArray(value: Value): value is readonly Value[] {
  return Array.isArray(value)
}

/** A number of any kind as float64. */
export function getNumber(value: Value): number {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof Float) return exact(value)
  if (value instanceof Uint64) return Number(value.value)
  if (value instanceof JsonNumber) return parseFloat64(value.text)
  throw new WrongTypeError(['number'], value)
}

/** A number as int64; floats are truncated, and values out of range convert as on amd64. */
export function getInt(value: Value): bigint {
  if (typeof value === 'bigint') return value
  if (value instanceof Uint64) return BigInt.asIntN(64, value.value)
  if (value instanceof Float) return truncateToInt64(exact(value))
  if (typeof value === 'number' || value instanceof JsonNumber) {
    const integer = documentInteger(value)
    if (integer !== undefined) return integer
    const float = Number(numberText(value))
    // The original reports the error of its first attempt.
    return Number.isFinite(float) ? truncateToInt64(float) : parseInt64(numberText(value), 10)
  }
  throw new WrongTypeError(['number'], value)
}

/** A string, or bytes or a timestamp converted to one. */
export function getString(value: Value): string {
  if (typeof value === 'string') return value
  if (value instanceof Uint8Array) return utf8Text(value)
  if (value instanceof Timestamp) return formatRfc3339(value)
  throw new WrongTypeError(['string'], value)
}

/** A boolean, or whether a number is not zero. */
export function getBool(value: Value): boolean {
  if (typeof value === 'boolean') return value
  if (typeof value === 'bigint') return value !== 0n
  if (value instanceof Uint64) return value.value !== 0n
  if (value instanceof Float) return value.value !== 0
  // The text decides: `0.0` in a document counts as true.
  if (typeof value === 'number' || value instanceof JsonNumber) return numberText(value) !== '0'
  throw new WrongTypeError(['bool'], value)
}

/**
 * Converts a boolean, a number (whether it is not zero), or a text that Go parses as a boolean (`t`, `TRUE`, `1` …).
 */
export function toBool(value: Value): boolean {
  const text = value instanceof Uint8Array ? utf8Text(value) : value
  if (typeof text !== 'string') return getBool(value)
  if (TRUE_TEXTS.has(text)) return true
  if (FALSE_TEXTS.has(text)) return false
  throw new WrongTypeError(['bool'], value)
}

/** A number as float64; texts are parsed. */
export function toFloat64(value: Value): number {
  if (typeof value === 'string') return parseFloat64(value)
  if (value instanceof Uint8Array) return parseFloat64(utf8Text(value))
  return getNumber(value)
}

/** A number rounded to 32 bits; texts are parsed. */
export function toFloat32(value: Value): number {
  if (typeof value === 'string') return parseFloat32(value)
  if (value instanceof Uint8Array) return parseFloat32(utf8Text(value))
  if (typeof value === 'number' || value instanceof JsonNumber) return parseFloat32(numberText(value))
  // The original does not accept its own float32 type here.
  if (value instanceof NarrowFloat) throw new WrongTypeError(['number'], value)
  return Math.fround(getNumber(value))
}

/** A signed 64-bit integer; never truncated or rounded. */
export function toInt64(value: Value): bigint {
  if (typeof value === 'bigint') return value
  if (value instanceof Uint64) {
    if (value.value <= MAX_INT64) return value.value
    throw new MappingError('unsigned integer value is too large to be cast as a signed integer')
  }
  if (value instanceof Float) return floatToInt64(exact(value))
  if (typeof value === 'number' || value instanceof JsonNumber) return parseInt64(numberText(value), 10)
  if (typeof value === 'string') return parseInt64(value, 0)
  if (value instanceof Uint8Array) return parseInt64(utf8Text(value), 0)
  throw new WrongTypeError(['number'], value)
}

/** An unsigned 64-bit integer; never truncated or rounded. */
export function toUint64(value: Value): bigint {
  if (value instanceof Uint64) return unsigned(value.value)
  if (value instanceof Float) return floatToUint64(exact(value))
  if (typeof value === 'string') return parseUint64(value, 0)
  if (value instanceof Uint8Array) return parseUint64(utf8Text(value), 0)
  return unsigned(typeof value === 'bigint' ? value : documentToInt64(value))
}

/** A float as an integer; fails if it is not a whole number. */
export function floatToInt64(float: number): bigint {
  if (Number.isNaN(float)) throw new MappingError('cannot convert NAN to an integer')
  if (!Number.isFinite(float)) throw new MappingError('cannot convert +/-INF to an integer')
  if (float > 2 ** 63) throw new MappingError('float value is too large to be cast as a signed integer')
  if (float < -(2 ** 63)) throw new MappingError('float value is too small to be cast as a signed integer')
  if (!Number.isInteger(float) || float === 2 ** 63) {
    throw new MappingError(
      `float value contains decimals and therefore cannot be cast as a signed integer${ROUND_HINT}`,
    )
  }
  return BigInt(float)
}

/** A number of a document as int64 if its text is an integer in range; otherwise undefined. */
export function documentInteger(value: number | JsonNumber): bigint | undefined {
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return BigInt(value)
    if (!Number.isInteger(value) || Math.abs(value) >= 2 ** 63) return undefined
    return BigInt(String(value))
  }
  // An int64 has at most 19 digits, and numbers of a document have no leading zeros.
  if (value.text.length > 20 || !/^-?\d+$/.test(value.text)) return undefined
  const integer = BigInt(value.text)
  return integer > MAX_INT64 || integer < MIN_INT64 ? undefined : integer
}

/**
 * A number of a document as the original degrades it: int64 if the text is an integer, else float64, else (on overflow)
 * the text itself. Other values are unchanged.
 */
export function sanitize(value: Value): Value {
  if (typeof value === 'number') return documentInteger(value) ?? new Float(value)
  if (value instanceof JsonNumber) {
    const integer = documentInteger(value)
    if (integer !== undefined) return integer
    const float = Number(value.text)
    return Number.isFinite(float) ? new Float(float) : value.text
  }
  if (value instanceof NarrowInteger) return value.type.startsWith('u') ? new Uint64(value.value) : value.value
  if (value instanceof NarrowFloat) return new Float(exact(value))
  return value instanceof Timestamp ? formatRfc3339(value) : value
}

/** The text of a number as written in its document. */
export function numberText(value: number | JsonNumber): string {
  return typeof value === 'number' ? String(value) : value.text
}

/** The value to calculate with; a 32-bit float stores the number with its shortest text instead. */
function exact(float: Float): number {
  return float instanceof NarrowFloat ? Math.fround(float.value) : float.value
}

const TRUE_TEXTS = new Set(['1', 't', 'T', 'TRUE', 'true', 'True'])
const FALSE_TEXTS = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False'])

const ROUND_HINT = ', if you intend to round the value then call `.round()` explicitly before this cast'

function unsigned(value: bigint): bigint {
  if (value >= 0n) return value
  throw new MappingError('signed integer value is negative and cannot be cast as an unsigned integer')
}

function documentToInt64(value: Value): bigint {
  if (typeof value === 'number' || value instanceof JsonNumber) return parseInt64(numberText(value), 10)
  throw new WrongTypeError(['number'], value)
}

function floatToUint64(float: number): bigint {
  if (float < 0) throw new MappingError('float value is negative and cannot be cast as an unsigned integer')
  if (Number.isNaN(float)) throw new MappingError('cannot convert NAN to an unsigned integer')
  if (!Number.isFinite(float)) throw new MappingError('cannot convert +/-INF to an unsigned integer')
  if (float > 2 ** 64) throw new MappingError('float value is too large to be cast as an unsigned integer')
  if (!Number.isInteger(float) || BigInt(float) > MAX_UINT64) {
    throw new MappingError(
      `float value contains decimals and therefore cannot be cast as an unsigned integer${ROUND_HINT}`,
    )
  }
  return BigInt(float)
}

/** Converts a float as amd64 does: everything out of range becomes the smallest integer. */
function truncateToInt64(float: number): bigint {
  const whole = Math.trunc(float)
  if (!(whole >= -(2 ** 63) && whole < 2 ** 63)) return MIN_INT64
  return BigInt(whole)
}
