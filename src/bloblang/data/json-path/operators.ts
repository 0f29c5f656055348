import { MappingError } from '../../errors.ts'
import { goTypeName, toPlainText } from '../../text/go-value.ts'
import { compileRe2 } from '../../text/re2/re2.ts'
import { Float } from '../../value.ts'
import type { Value } from '../../value.ts'
import { isArray } from '../coerce.ts'
import { pow } from '../go-math.ts'
import { compareText } from '../text-order.ts'
import { deepEqual, toNumber, toTruth } from './values.ts'

/** An operator of the expression language, by operand kind. The first kind that fits both sides is used. */
export interface Operator {
  readonly precedence: number
  readonly number?: (a: number, b: number) => Value
  readonly truth?: (a: boolean, b: boolean) => Value
  readonly text?: (a: string, b: string) => Value
  readonly any?: (a: Value, b: Value) => Value
  /** The result if the left side alone decides it; otherwise undefined. */
  readonly shortcut?: (a: Value) => Value | undefined
}

const ordered = (holds: (sign: number) => boolean): Operator => ({
  precedence: 40,
  number: (a, b) => holds(a - b),
  text: (a, b) => holds(compareText(a, b)),
})
const arithmetic = (precedence: number, compute: (a: number, b: number) => number): Operator => ({
  precedence,
  number: (a, b) => new Float(compute(a, b)),
})
const bitwise = (precedence: number, compute: (a: bigint, b: bigint) => bigint): Operator => ({
  precedence,
  number: (a, b) => new Float(Number(BigInt.asIntN(64, compute(wholeOf(a), wholeOf(b))))),
})

/** All binary operators, by symbol. */
export const OPERATORS: Readonly<Record<string, Operator>> = {
  '??': { precedence: 0, any: (a, b) => (isZero(a) ? b : a), shortcut: a => (isZero(a) ? undefined : a) },
  '||': { precedence: 20, truth: (a, b) => a || b, shortcut: a => (a === true ? true : undefined) },
  '&&': { precedence: 21, truth: (a, b) => a && b, shortcut: a => (a === false ? false : undefined) },
  '==': { precedence: 40, number: (a, b) => a === b, truth: (a, b) => a === b, any: deepEqual },
  '!=': { precedence: 40, number: (a, b) => a !== b, truth: (a, b) => a !== b, any: (a, b) => !deepEqual(a, b) },
  '>': ordered(sign => sign > 0),
  '>=': ordered(sign => sign >= 0),
  '<': ordered(sign => sign < 0),
  '<=': ordered(sign => sign <= 0),
  '=~': { precedence: 40, any: (a, b) => compileRe2(toPlainText(b)).test(toPlainText(a)) },
  '!~': { precedence: 40, any: (a, b) => !compileRe2(toPlainText(b)).test(toPlainText(a)) },
  in: { precedence: 40, any: isIn },
  '^': bitwise(60, (a, b) => a ^ b),
  '&': bitwise(60, (a, b) => a & b),
  '|': bitwise(60, (a, b) => a | b),
  '<<': bitwise(90, (a, b) => (b < 0n || b > 63n ? 0n : a << b)),
  '>>': bitwise(90, (a, b) => (b < 0n || b > 63n ? (a < 0n ? -1n : 0n) : a >> b)),
  '+': { ...arithmetic(120, (a, b) => a + b), text: (a, b) => a + b },
  '-': arithmetic(120, (a, b) => a - b),
  '*': arithmetic(150, (a, b) => a * b),
  '/': arithmetic(150, (a, b) => a / b),
  '%': arithmetic(150, (a, b) => a % b),
  '**': arithmetic(200, pow),
}

/** Tries the operands' own kinds first, then converts both to numbers, booleans or texts. */
export function applyOperator(name: string, operator: Operator, a: Value, b: Value): Value {
  if (operator.number !== undefined && a instanceof Float && b instanceof Float)
    return operator.number(a.value, b.value)
  if (operator.truth !== undefined && typeof a === 'boolean' && typeof b === 'boolean') return operator.truth(a, b)
  if (operator.text !== undefined && typeof a === 'string' && typeof b === 'string') return operator.text(a, b)
  if (operator.number !== undefined) {
    const [x, y] = [toNumber(a), toNumber(b)]
    if (x !== null && y !== null) return operator.number(x, y)
  }
  if (operator.truth !== undefined) {
    const [x, y] = [toTruth(a), toTruth(b)]
    if (x !== null && y !== null) return operator.truth(x, y)
  }
  if (operator.text !== undefined && a !== null && b !== null) return operator.text(toPlainText(a), toPlainText(b))
  if (operator.any !== undefined) return operator.any(a, b)
  throw new MappingError(`invalid operation (${goTypeName(a)}) ${name} (${goTypeName(b)})`)
}

/** Whether Go considers the value a zero value: null, false, 0 or the empty text. */
export function isZero(value: Value): boolean {
  return (
    value === null || value === false || value === '' || value === 0n || (value instanceof Float && value.value === 0)
  )
}

function isIn(value: Value, members: Value): boolean {
  if (!isArray(members)) {
    throw new MappingError(`expected type []interface{} for in operator but got ${goTypeName(members)}`)
  }
  return members.some(member => deepEqual(value, member))
}

function wholeOf(number: number): bigint {
  return Number.isFinite(number) ? BigInt.asIntN(64, BigInt(Math.trunc(number))) : 0n
}
