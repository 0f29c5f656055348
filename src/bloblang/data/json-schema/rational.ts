/** An exact number of a JSON text, as schemas compare them: numerator / denominator, the latter a power of ten. */
export interface Rational {
  readonly numerator: bigint
  readonly denominator: bigint
}

/** Beyond this a number is taken as that power of ten: the digits would fill the memory. */
const MAX_EXPONENT = 20_000

/** Reads the text of a JSON number. */
export function parseRational(text: string): Rational {
  const [, sign, whole, fraction = '', power = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(
    text,
  )! as unknown as [string, string, string, string | undefined, string | undefined]
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

export function isWhole({ numerator, denominator }: Rational): boolean {
  return numerator % denominator === 0n
}

export function isMultiple(number: Rational, of: Rational): boolean {
  return (number.numerator * of.denominator) % (number.denominator * of.numerator) === 0n
}

/** As Go's `%v` of a big float prints it: shortest digits, an exponent below 1e-4 and from 1e6 on. */
export function formatRational({ numerator, denominator }: Rational): string {
  if (numerator === 0n) return '0'
  const sign = numerator < 0n ? '-' : ''
  const all = String(numerator < 0n ? -numerator : numerator)
  const exponent = all.length - String(denominator).length
  const digits = all.replace(/0+$/, '')
  if (exponent < -4 || exponent >= 21) return sign + withExponent(digits, exponent)
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`
  if (digits.length <= exponent + 1)
    return sign + (exponent >= 6 ? withExponent(digits, exponent) : digits.padEnd(exponent + 1, '0'))
  if (exponent >= 6) return sign + withExponent(digits, exponent)
  return `${sign}${digits.slice(0, exponent + 1)}.${digits.slice(exponent + 1)}`
}

function withExponent(digits: string, exponent: number): string {
  const mantissa = digits.length === 1 ? digits : `${digits[0]!}.${digits.slice(1)}`
  return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
}
