import { compareText } from '../data/text-order.ts'
import { getBool, getInt, getNumber, getString, sanitize } from '../data/coerce.ts'
import { utf8Text } from '../text/bytes.ts'
import { MappingError, WrongTypeError } from '../errors.ts'
import { equals } from '../data/equality.ts'
import { Float, NarrowFloat, NarrowInteger, Uint64, type Value, typeOf } from '../value.ts'

/** What the two sides of an operator are called, for its errors. */
export interface Sides {
  readonly left: string
  readonly right: string
  /** The right side as float64, where it is a literal that this holds exactly: to convert a bigint takes longer than to calculate. */
  readonly rightNumber?: number | undefined
}

/** What {@link Sides} knows of the right side's value. */
export function literalNumber(value: Value): number | undefined {
  if (typeof value === 'bigint' && !Number.isSafeInteger(Number(value))) return undefined
  return quickNumber(value)
}

/** What an operator makes of its sides. */
export type Operator = (left: Value, right: Value, sides: Sides) => Value

/** Adds numbers, joins strings and bytes. The left side decides which. */
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

/** Always a float. */
export function divide(left: Value, right: Value, sides: Sides): Value {
  const dividend = numberSide('divide', left, left, right, sides)
  const divisor = sides.rightNumber ?? numberSide('divide', right, left, right, sides)
  if (divisor === 0) throw divideByZero(sides)
  return new Float(dividend / divisor)
}

/** The rest of whole numbers; floats are cut first. */
export function modulo(left: Value, right: Value, sides: Sides): Value {
  const dividend = integerSide('modulo', left, left, right, sides)
  const divisor = integerSide('modulo', right, left, right, sides)
  if (divisor === 0n) throw divideByZero(sides)
  return dividend % divisor
}

/** Numbers by value whatever their kinds, all else as {@link equals} sees it. */
export function equal(left: Value, right: Value, _sides?: Sides): boolean {
  if (typeof left === 'string' && typeof right === 'string') return left === right
  if (typeof left === 'number' && typeof right === 'number') return left === right
  if (typeOf(left) !== 'number' || typeOf(right) !== 'number') return equals(left, right)
  return compareNumbers(left, right) === 0
}

/** The contrary of {@link equal}. */
export function notEqual(left: Value, right: Value, sides?: Sides): boolean {
  return !equal(left, right, sides)
}

/** `<` of numbers, or of texts by their bytes. */
export function less(left: Value, right: Value, sides: Sides): boolean {
  return compare(left, right, sides) < 0
}

/** `<=`, as {@link less}. */
export function lessOrEqual(left: Value, right: Value, sides: Sides): boolean {
  return compare(left, right, sides) <= 0
}

/** `>`, as {@link less}. */
export function greater(left: Value, right: Value, sides: Sides): boolean {
  return compare(left, right, sides) > 0
}

/** `>=`, as {@link less}. */
export function greaterOrEqual(left: Value, right: Value, sides: Sides): boolean {
  return compare(left, right, sides) >= 0
}

/** The operators that are folded when both sides are literals; `&&`, `||` and `|` never are. */
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

/** The narrower types that the original's `+` has no case for. */
function isForgotten(value: Value): boolean {
  return value instanceof NarrowFloat || (value instanceof NarrowInteger && value.type !== 'int')
}

/** A float on either side makes floats, else an int64 makes int64, else both are uint64. Integers wrap around. */
function calculate(operation: Arithmetic, leftValue: Value, rightValue: Value, sides: Sides): Value {
  const quickLeft = quickNumber(leftValue)
  const quickRight = sides.rightNumber ?? quickNumber(rightValue)
  if (quickLeft !== undefined && quickRight !== undefined) {
    const result = operation.floats(quickLeft, quickRight)
    if (!isWhole(leftValue) || !isWhole(rightValue)) return new Float(result)
    // Whole numbers below 2^53 whose result is such as well were calculated without loss.
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

/** A number of the common kinds as float64; undefined where more has to be known of it. */
function quickNumber(value: Value): number | undefined {
  if (typeof value === 'number') return Number.isInteger(value) && !Number.isSafeInteger(value) ? undefined : value
  if (typeof value === 'bigint') return Number(value)
  return value instanceof Float && !(value instanceof NarrowFloat) ? value.value : undefined
}

function isWhole(value: Value): boolean {
  return typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value))
}

/** Negative, zero or positive; NaN where a NaN is compared. */
function compare(left: Value, right: Value, sides: Sides): number {
  if (typeof left === 'number') {
    if (typeof right === 'number') return left - right
    // Below 2^53 rounding the other side changes nothing.
    if (typeof right === 'bigint' && (Number.isSafeInteger(left) || !Number.isInteger(left)))
      return left - (sides.rightNumber ?? Number(right))
  }
  switch (typeOf(left)) {
    case 'number': {
      const plainLeft = sanitize(left)
      const plainRight = sanitize(right)
      // A number beyond float64 is text to the original, which can be compared with text only.
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
  // A number beyond float64 is text to the original: equal to itself, and to nothing else.
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

/** A value as an operand of `&&` and `||`: a bool, or whether a number is not zero. */
export function truth(value: Value): boolean {
  return typeof value === 'boolean' ? value : getBool(value)
}
