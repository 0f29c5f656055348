import { shortestDecimal } from '../../text/decimal.ts'

/** An exact number of a JSON text, as schemas compare them: numerator / denominator, the latter a power of ten. */
export interface Rational {
  readonly numerator: bigint
  readonly denominator: bigint
}

/** Beyond this a number is taken as that power of ten: the digits would fill the memory. */
const MAX_EXPONENT = 20_000

/** Reads the text of a JSON number. */
export function parseRational(text: string): Rational {
  const [, sign = '', whole = '', fraction = '', power = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)!
  const exponent = Math.max(-MAX_EXPONENT, Math.min(MAX_EXPONENT, Number(power))) - fraction.length
  const digits = BigInt(sign + whole + fraction)
  return exponent >= 0
    ? { numerator: digits * 10n ** BigInt(exponent), denominator: 1n }
    : { numerator: digits, denominator: 10n ** BigInt(-exponent) }
}

/** Below zero where a is the smaller one. */
export function compareRationals(a: Rational, b: Rational): number {
  const difference = a.numerator * b.denominator - b.numerator * a.denominator
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

/** Whether it has no fraction. */
export function isWhole({ numerator, denominator }: Rational): boolean {
  return numerator % denominator === 0n
}

/** Whether the one is a whole multiple of the other. */
export function isMultiple(number: Rational, of: Rational): boolean {
  return (number.numerator * of.denominator) % (number.denominator * of.numerator) === 0n
}

/** As Go's `%v` of a big float prints it. */
export function formatRational({ numerator, denominator }: Rational): string {
  return shortestDecimal(numerator, String(denominator).length - 1)
}
