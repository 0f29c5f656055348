import { shortestDecimal } from '../../text/decimal.ts'

/** An exact number from JSON text, as schemas compare numbers: numerator / denominator, the latter a power of ten. */
export interface Rational {
  readonly numerator: bigint
  readonly denominator: bigint
}

/** Larger exponents are clamped to this: the digits would exhaust memory. */
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

/** Negative if `a` is smaller, zero if equal, positive if larger. */
export function compareRationals(a: Rational, b: Rational): number {
  const difference = a.numerator * b.denominator - b.numerator * a.denominator
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

/** Whether it is an integer. */
export function isWhole({ numerator, denominator }: Rational): boolean {
  return numerator % denominator === 0n
}

/** Whether `number` is an integer multiple of `of`. */
export function isMultiple(number: Rational, of: Rational): boolean {
  return (number.numerator * of.denominator) % (number.denominator * of.numerator) === 0n
}

/** Formats the number as Go's `%v` prints a big float. */
export function formatRational({ numerator, denominator }: Rational): string {
  return shortestDecimal(numerator, String(denominator).length - 1)
}
