import { MappingError } from '../../errors.ts'
import { goTypeName, toPlainText } from '../../text/go-value.ts'
import { Float, JsonNumber, Timestamp, Uint64, isObject } from '../../value.ts'
import type { Value } from '../../value.ts'
import { isArray, numberText } from '../coerce.ts'
import { parseFloat64 } from '../parse-number.ts'

/** Conversion of values in expressions. Numbers of a document are texts there, and not even numeric ones. */
export function toNumber(value: Value): number | null {
  if (value instanceof Float) return value.value
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof Uint64) return Number(value.value)
  if (typeof value !== 'string') return null
  try {
    return parseFloat64(value)
  } catch (error) {
    if (error instanceof MappingError) return null
    throw error
  }
}

/** A boolean, the text of one, or whether a number is not zero; null for anything else. */
export function toTruth(value: Value): boolean | null {
  if (value === null || value === false || value === 'false' || value === 'FALSE') return false
  if (value === true || value === 'true' || value === 'TRUE') return true
  const number = toNumber(value)
  return number === null ? null : number !== 0
}

/** Converts a value to an array index. */
export function toIndex(value: Value): number {
  const number = toNumber(value)
  if (number === null) throw new MappingError(`expected number but got ${toPlainText(value)} (${goTypeName(value)})`)
  return Math.trunc(number)
}

/** Equality of kind and content, at every depth. */
export function deepEqual(a: Value, b: Value): boolean {
  if (isArray(a)) return isArray(b) && a.length === b.length && a.every((element, at) => deepEqual(element, b[at]!))
  if (isObject(a)) {
    if (!isObject(b)) return false
    const keys = Object.keys(a)
    return (
      keys.length === Object.keys(b).length && keys.every(key => Object.hasOwn(b, key) && deepEqual(a[key]!, b[key]!))
    )
  }
  if (isDocumentNumber(a)) return isDocumentNumber(b) && numberText(a) === numberText(b)
  if (a instanceof Float) return b instanceof Float && a.value === b.value
  if (a instanceof Uint64) return b instanceof Uint64 && a.value === b.value
  if (a instanceof Timestamp) return b instanceof Timestamp && a.unixNanos === b.unixNanos
  if (a instanceof Uint8Array) return b instanceof Uint8Array && Buffer.compare(a, b) === 0
  return a === b
}

function isDocumentNumber(value: Value): value is number | JsonNumber {
  return typeof value === 'number' || value instanceof JsonNumber
}
