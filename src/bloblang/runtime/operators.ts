import { compareText } from '../data/text-order.ts'
import { getBool, getInt, getNumber, getString, sanitize } from '../data/coerce.ts'
import { utf8Text } from '../text/bytes.ts'
import { MappingError, WrongTypeError } from '../errors.ts'
import { equals } from '../data/equality.ts'
import { Float, NarrowFloat, NarrowInteger, Uint64, type Value, typeOf } from '../value.ts'

/** The annotations of an operator's operands, for its errors. */
export interface Sides {
  readonly left: string
  readonly right: string
  /** The right side as float64 if it is an exact literal; converting a bigint is slower than the operation. */
  readonly rightNumber?: number | undefined
}

/** The `rightNumber` of {@link Sides} for a value. */
export function literalNumber(value: Value): number | undefined {
  if (typeof value === 'bigint' && !Number.isSafeInteger(Number(value))) return undefined
  return quickNumber(value)
}

/** Applies an operator to its operands. */
export type Operator = (left: Value, right: Value, sides: Sides) => Value

/** Adds numbers, concatenates strings and bytes. The left side decides. */
export function add(left: Value, right: Value, sides: Sides): Value {
  if (typeof left === 'bigint' && typeof right === 'bigint') return BigInt.asIntN(64, left + right)
  if (typeof left === 'string' && typeof right === 'string') return left + right
  switch (typeOf(left)) {
    case 'number':
      if (isForgotten(left)) throw mismatch('add', left, right, sides)
      return calculate(ADD, left, right, sides)
    case 'string':
    case 'bytes':
      return textSide(left, left, right, sides) + textSide(right, left, right, sides)
    default:
      throw mismatch('add', left, right, sides)
  }
}

/** The difference of numbers. */
export function subtract(left: Value, right: Value, sides: Sides): Value {
  if (typeof left === 'bigint' && typeof right === 'bigint') return BigInt.asIntN(64, left - right)
  return calculate(SUBTRACT, left, right, sides)
}

/** The product of numbers. */
export function multiply(left: Value, right: Value, sides: Sides): Value {
  return calculate(MULTIPLY, left, right, sides)
}

/** The quotient, which is always a float. */
export function divide(left: Value, right: Value, sides: Sides): Value {
  const dividend = numberSide('divide', left, left, right, sides)
  const divisor = sides.rightNumber ?? numberSide('divide', right, left, right, sides)
  if (divisor === 0) throw divideByZero(sides)
  return new Float(dividend / divisor)
}

/** The remainder of integers; floats are truncated first. */
export function modulo(left: Value, right: Value, sides: Sides): Value {
  const dividend = integerSide('modulo', left, left, right, sides)
  const divisor = integerSide('modulo', right, left, right, sides)
  if (divisor === 0n) throw divideByZero(sides)
  return dividend % divisor
}

/** Compares numbers by value regardless of kind, everything else with {@link equals}. */
export function equal(left: Value, right: Value, _sides?: Sides): boolean {
  if (typeof left === 'string' && typeof right === 'string') return left === right
  if (typeof left === 'number' && typeof right === 'number') return left === right
  if (typeOf(left) !== 'number' || typeOf(right) !== 'number') return equals(left, right)
  return compareNumbers(left, right) === 0
}

/** The negation of {@link equal}. */
export function notEqual(left: Value, right: Value, sides?: Sides): boolean {
  return !equal(left, right, sides)
}

/** `<` for numbers, or for texts by bytes. */
export function less(left: Value, right: Value, sides: Sides): boolean {
  return compare(left, right, sides) < 0
}

/** `<=`, like {@link less}. */
export function lessOrEqual(left: Value, right: Value, sides: Sides): boolean {
  return compare(left, right, sides) <= 0
}

/** `>`, like {@link less}. */
export function greater(left: Value, right: Value, sides: Sides): boolean {
  return compare(left, right, sides) > 0
}

/** `>=`, like {@link less}. */
export function greaterOrEqual(left: Value, right: Value, sides: Sides): boolean {
  return compare(left, right, sides) >= 0
}

/** The operators that are folded if both sides are literals; `&&`, `||` and `|` never are. */
export const FOLDABLE: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ['+', add],
  ['-', subtract],
  ['*', multiply],
  ['/', divide],
  ['%', modulo],
  ['==', equal],
  ['!=', notEqual],
  ['<', less],
  ['<=', lessOrEqual],
  ['>', greater],
  ['>=', greaterOrEqual],
])

interface Arithmetic {
  readonly name: string
  readonly integers: (left: bigint, right: bigint) => bigint
  readonly floats: (left: number, right: number) => number
}

const ADD: Arithmetic = { name: 'add', integers: (left, right) => left + right, floats: (left, right) => left + right }
const SUBTRACT: Arithmetic = {
  name: 'subtract',
  integers: (left, right) => left - right,
  floats: (left, right) => left - right,
}
const MULTIPLY: Arithmetic = {
  name: 'multiply',
  integers: (left, right) => left * right,
  floats: (left, right) => left * right,
}

/** The narrow types that the original's `+` does not handle. */
function isForgotten(value: Value): boolean {
  return value instanceof NarrowFloat || (value instanceof NarrowInteger && value.type !== 'int')
}

/** Float if either side is one, otherwise int64 if either is one, else uint64. Integers wrap around. */
function calculate(operation: Arithmetic, leftValue: Value, rightValue: Value, sides: Sides): Value {
  const quickLeft = quickNumber(leftValue)
  const quickRight = sides.rightNumber ?? quickNumber(rightValue)
  if (quickLeft !== undefined && quickRight !== undefined) {
    const result = operation.floats(quickLeft, quickRight)
    if (!isWhole(leftValue) || !isWhole(rightValue)) return new Float(result)
    // If both integers and the result are below 2^53, the calculation was exact.
    if (Number.isSafeInteger(quickLeft) && Number.isSafeInteger(quickRight) && Number.isSafeInteger(result)) {
      return BigInt(result)
    }
  }
  const left = sanitize(leftValue)
  const right = sanitize(rightValue)
  if (left instanceof Float || right instanceof Float) {
    const { name } = operation
    return new Float(
      operation.floats(numberSide(name, left, left, right, sides), numberSide(name, right, left, right, sides)),
    )
  }
  if (typeof left === 'bigint' || typeof right === 'bigint') {
    const { name } = operation
    const result = operation.integers(
      integerSide(name, left, left, right, sides),
      integerSide(name, right, left, right, sides),
    )
    return BigInt.asIntN(64, result)
  }
  if (left instanceof Uint64 && right instanceof Uint64) {
    return new Uint64(BigInt.asUintN(64, operation.integers(left.value, right.value)))
  }
  throw mismatch(operation.name, left, right, sides)
}

/** A number of a common kind as float64; undefined if it needs a closer look. */
function quickNumber(value: Value): number | undefined {
  if (typeof value === 'number') return Number.isInteger(value) && !Number.isSafeInteger(value) ? undefined : value
  if (typeof value === 'bigint') return Number(value)
  return value instanceof Float && !(value instanceof NarrowFloat) ? value.value : undefined
}

function isWhole(value: Value): boolean {
  return typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))
}

/** A negative number, zero or a positive number; NaN if a NaN is compared. */
function compare(left: Value, right: Value, sides: Sides): number {
  if (typeof left === 'number') {
    if (typeof right === 'number') return left - right
    // Below 2^53, rounding the other side makes no difference.
    if (typeof right === 'bigint' && (Number.isSafeInteger(left) || !Number.isInteger(left)))
      return left - (sides.rightNumber ?? Number(right))
  }
  switch (typeOf(left)) {
    case 'number': {
      const plainLeft = sanitize(left)
      const plainRight = sanitize(right)
      // The original treats a number beyond float64 as text, which is only comparable with text.
      if (typeof plainLeft === 'string') return compareText(plainLeft, textSide(right, left, right, sides, 'compare'))
      if (typeOf(right) === 'number' && typeof plainRight !== 'string') return compareNumbers(left, right)
      throw mismatch('compare', plainLeft, plainRight, sides)
    }
    case 'string':
    case 'bytes':
    case 'timestamp':
      return compareText(textSide(left, left, right, sides, 'compare'), textSide(right, left, right, sides, 'compare'))
    default:
      throw mismatch('compare', left, right, sides)
  }
}

function compareNumbers(leftValue: Value, rightValue: Value): number {
  const left = sanitize(leftValue)
  const right = sanitize(rightValue)
  // The original treats a number beyond float64 as text: equal to itself and to nothing else.
  if (typeof left === 'string' || typeof right === 'string') return left === right ? 0 : Number.NaN
  if (left instanceof Float || right instanceof Float) return getNumber(left) - getNumber(right)
  if (typeof left === 'bigint' || typeof right === 'bigint') return sign(getInt(left) - getInt(right))
  if (left instanceof Uint64 && right instanceof Uint64) return sign(left.value - right.value)
  return Number.NaN
}

function sign(difference: bigint): number {
  return difference === 0n ? 0 : difference < 0n ? -1 : 1
}

function textSide(side: Value, left: Value, right: Value, sides: Sides, operation = 'add'): string {
  if (typeof side === 'string') return side
  if (side instanceof Uint8Array) return utf8Text(side)
  return coerced(() => getString(side), operation, left, right, sides)
}

function numberSide(operation: string, side: Value, left: Value, right: Value, sides: Sides): number {
  return quickNumber(side) ?? coerced(() => getNumber(side), operation, left, right, sides)
}

function integerSide(operation: string, side: Value, left: Value, right: Value, sides: Sides): bigint {
  return coerced(() => getInt(side), operation, left, right, sides)
}

function coerced<T>(read: () => T, operation: string, left: Value, right: Value, sides: Sides): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof WrongTypeError || error instanceof MappingError) throw mismatch(operation, left, right, sides)
    throw error
  }
}

function mismatch(operation: string, left: Value, right: Value, sides: Sides): MappingError {
  const text = `cannot ${operation} types ${typeOf(left)} (from ${sides.left}) and ${typeOf(right)} (from ${sides.right})`
  return new MappingError(text, 'closed')
}

function divideByZero(sides: Sides): MappingError {
  return new MappingError(`${sides.right}: attempted to divide by zero`, 'sealed')
}

/** An operand of `&&` and `||`: a boolean, or whether a number is not zero. */
export function truth(value: Value): boolean {
  return typeof value === 'boolean' ? value : getBool(value)
}
