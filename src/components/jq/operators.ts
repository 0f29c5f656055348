import { compareText } from '../../bloblang/index.ts'
import {
  define,
  fieldOf,
  integerOf,
  isArray,
  isMap,
  isNumber,
  JqError,
  type Json,
  type JsonObject,
  sortedKeys,
  typedPreview,
} from './json.ts'
import type { BinaryOperator } from './syntax.ts'

/** Maximum length of strings and arrays that a query may create. */
const MAX_LENGTH = 0x10000000

/**
 * Negative, zero or positive, in the order null, false, true, numbers, strings, arrays, objects. NaN is less than every
 * number.
 */
export function compare(left: Json, right: Json): number {
  if (isNumber(left) && isNumber(right)) return compareNumbers(left, right)
  if (typeof left === 'string' && typeof right === 'string') return compareText(left, right)
  if (isArray(left) && isArray(right)) return compareArrays(left, right)
  if (isMap(left) && isMap(right)) return compareObjects(left, right)
  return rankOf(left) - rankOf(right)
}

function compareNumbers(left: number | bigint, right: number | bigint): number {
  if (left < right || Number.isNaN(left)) return -1
  // The two kinds of numbers are to be compared by their value.
  // oxlint-disable-next-line eqeqeq
  return left == right ? 0 : 1
}

function compareArrays(left: readonly Json[], right: readonly Json[]): number {
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const order = compare(left[at]!, right[at]!)
    if (order !== 0) return order
  }
  return left.length - right.length
}

function compareObjects(left: JsonObject, right: JsonObject): number {
  const keys = sortedKeys(left)
  const order = compareArrays(keys, sortedKeys(right))
  if (order !== 0) return order
  for (const key of keys) {
    const difference = compare(left[key]!, right[key]!)
    if (difference !== 0) return difference
  }
  return 0
}

function rankOf(value: Json): number {
  if (value === null) return 0
  if (typeof value === 'boolean') return value ? 2 : 1
  if (isNumber(value)) return 3
  if (typeof value === 'string') return 4
  return isArray(value) ? 5 : 6
}

export function isTrue(value: Json): boolean {
  return value !== null && value !== false
}

/** The operators that compute a value from two. */
export const operators: Readonly<Record<Exclude<BinaryOperator, 'and' | 'or'>, (left: Json, right: Json) => Json>> = {
  '+': add,
  '-': subtract,
  '*': multiply,
  '/': divide,
  '%': modulo,
  '==': (left, right) => compare(left, right) === 0,
  '!=': (left, right) => compare(left, right) !== 0,
  '<': (left, right) => compare(left, right) < 0,
  '<=': (left, right) => compare(left, right) <= 0,
  '>': (left, right) => compare(left, right) > 0,
  '>=': (left, right) => compare(left, right) >= 0,
  '//': (left, right) => (isTrue(left) ? left : right),
}

export function add(left: Json, right: Json): Json {
  if (isNumber(left) && isNumber(right)) {
    if (areFloats(left, right)) return Number(left) + Number(right)
    return exact(Number(left) + Number(right), () => BigInt(left) + BigInt(right))
  }
  if (typeof left === 'string' && typeof right === 'string') return joined(left, right)
  if (isArray(left) && isArray(right)) return [...left, ...right]
  if (isMap(left) && isMap(right)) return { ...left, ...right }
  if (left === null) return right
  if (right === null) return left
  throw mismatch('add', left, right)
}

function joined(left: string, right: string): string {
  if (left.length + right.length > MAX_LENGTH) throw new JqError('a text becomes too long')
  return left + right
}

function subtract(left: Json, right: Json): Json {
  if (isNumber(left) && isNumber(right)) {
    if (areFloats(left, right)) return Number(left) - Number(right)
    return exact(Number(left) - Number(right), () => BigInt(left) - BigInt(right))
  }
  if (isArray(left) && isArray(right)) {
    return left.filter(item => !right.some(other => compare(item, other) === 0))
  }
  throw mismatch('subtract', left, right)
}

function multiply(left: Json, right: Json): Json {
  if (isNumber(left) && isNumber(right)) {
    if (areFloats(left, right)) return Number(left) * Number(right)
    return exact(Number(left) * Number(right), () => BigInt(left) * BigInt(right))
  }
  if (typeof left === 'string' && isNumber(right)) return repeated(left, Number(right))
  if (isNumber(left) && typeof right === 'string') return repeated(right, Number(left))
  if (isMap(left) && isMap(right)) return merged(left, right)
  throw mismatch('multiply', left, right)
}

function repeated(text: string, times: number): Json {
  if (times < 0 || Number.isNaN(times) || (text !== '' && times > MAX_LENGTH / Buffer.byteLength(text))) return null
  return text === '' ? '' : text.repeat(Math.trunc(times))
}

function merged(left: JsonObject, right: JsonObject): JsonObject {
  const result: Record<string, Json> = { ...left }
  for (const [key, value] of Object.entries(right)) {
    const before = fieldOf(result, key)
    define(result, key, isMap(before) && isMap(value) ? merged(before, value) : value)
  }
  return result
}

function divide(left: Json, right: Json): Json {
  if (isNumber(left) && isNumber(right)) {
    if (Number(right) === 0) throw new JqError(`cannot divide ${typedPreview(left)} by: ${typedPreview(right)}`)
    if (typeof left === 'number' && typeof right === 'number') return left / right
    if (areFloats(left, right)) return Number(left) / Number(right)
    const [dividend, divisor] = [BigInt(left), BigInt(right)]
    return dividend % divisor === 0n ? integerOf(dividend / divisor) : Number(left) / Number(right)
  }
  if (typeof left === 'string' && typeof right === 'string') return left === '' ? [] : left.split(right)
  throw mismatch('divide', left, right)
}

function modulo(left: Json, right: Json): Json {
  if (!isNumber(left) || !isNumber(right)) throw mismatch('modulo', left, right)
  if (Number.isNaN(left) || Number.isNaN(right)) return Number.NaN
  const divisor = wholeOf(right)
  if (divisor === 0n) throw new JqError(`cannot modulo ${typedPreview(left)} by: ${typedPreview(right)}`)
  return integerOf(wholeOf(left) % divisor)
}

/** The integer part of a number, with floats clamped to 64 bits. */
function wholeOf(value: number | bigint): bigint {
  if (typeof value === 'bigint') return value
  if (value >= 2 ** 63) return 2n ** 63n - 1n
  return value <= -(2 ** 63) ? -(2n ** 63n) : BigInt(Math.trunc(value))
}

/** Whether a calculation uses floats: one of the numbers has a fraction or exceeds the range of integers. */
function areFloats(left: number | bigint, right: number | bigint): boolean {
  return isFloat(left) || isFloat(right)
}

function isFloat(value: number | bigint): boolean {
  return typeof value === 'number' && !Number.isSafeInteger(value)
}

/** An integer result, using the fast calculation if it is exact. */
function exact(quick: number, slow: () => bigint): number | bigint {
  return Number.isSafeInteger(quick) ? quick : integerOf(slow())
}

export function negate(value: Json): Json {
  if (!isNumber(value)) throw new JqError(`cannot negate: ${typedPreview(value)}`)
  return typeof value === 'bigint' ? integerOf(-value) : value === 0 ? 0 : -value
}

export function plus(value: Json): Json {
  if (!isNumber(value)) throw new JqError(`cannot plus: ${typedPreview(value)}`)
  return value
}

function mismatch(verb: string, left: Json, right: Json): JqError {
  return new JqError(`cannot ${verb}: ${typedPreview(left)} and ${typedPreview(right)}`)
}
