/** Formats floats as Go's strconv does: correctly rounded (half to even), with any precision and in all notations. */
export type FloatVerb = 'e' | 'E' | 'f' | 'g' | 'G' | 'b' | 'x' | 'X'

interface Decimal {
  /** Without leading zeros; empty for zero. */
  readonly digits: string
  /** The position of the decimal point: 0.digits × 10^point. */
  readonly point: number
}

/** Formats a float; `precision` -1 uses the fewest digits that parse back to the same number. */
export function formatFloat(value: number, verb: FloatVerb, precision: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  const negative = value < 0 || Object.is(value, -0)
  return (negative ? '-' : '') + formatAbsolute(Math.abs(value), verb, precision)
}

/** Formats a float as in the original's texts: the shortest digits, with an exponent below 1e-4 and from 1e6 on. */
export function formatGoFloat(float: number): string {
  const size = Math.abs(float)
  // JavaScript produces the same text here, faster.
  return size >= 1e-4 && size < 1e6 ? String(float) : formatFloat(float, 'g', -1)
}

/** Formats decimal digits the same way: the number is 0.digits × 10^point. */
export function formatDigits(digits: string, point: number): string {
  return shortForm({ digits, point }, SHORTEST_EXPONENT, 'e')
}

/** The shortest form has an exponent from this one on. */
const SHORTEST_EXPONENT = 6

function formatAbsolute(value: number, verb: FloatVerb, precision: number): string {
  switch (verb) {
    case 'b':
      return binaryExponent(value)
    case 'x':
      return hexadecimal(value, precision)
    case 'X':
      return hexadecimal(value, precision).toUpperCase()
    case 'e':
    case 'E':
      return exponential(
        precision < 0 ? shortest(value) : significant(value, precision + 1),
        precision < 0 ? -1 : precision,
        verb,
      )
    case 'f':
      return precision < 0 ? fixed(shortest(value), -1) : toFixedExact(value, precision)
    default:
      return general(value, precision, verb)
  }
}

function general(value: number, precision: number, verb: 'g' | 'G'): string {
  const isShortest = precision < 0
  const wanted = precision === 0 ? 1 : precision
  const decimal = isShortest ? shortest(value) : significant(value, wanted)
  const digits = decimal.digits.length
  let limit = isShortest ? SHORTEST_EXPONENT : wanted
  if (!isShortest && limit > digits && digits >= decimal.point) limit = digits
  return shortForm(decimal, limit, verb === 'g' ? 'e' : 'E')
}

function shortForm(decimal: Decimal, limit: number, letter: 'e' | 'E'): string {
  const exponent = decimal.point - 1
  return exponent < -4 || exponent >= limit ? exponential(decimal, -1, letter) : fixed(decimal, -1)
}

function exponential(decimal: Decimal, precision: number, letter: 'e' | 'E'): string {
  const first = decimal.digits[0] ?? '0'
  const rest = precision < 0 ? decimal.digits.slice(1) : decimal.digits.slice(1, precision + 1).padEnd(precision, '0')
  const exponent = decimal.digits === '' ? 0 : decimal.point - 1
  const power = String(Math.abs(exponent)).padStart(2, '0')
  return `${first}${rest === '' ? '' : `.${rest}`}${letter}${exponent < 0 ? '-' : '+'}${power}`
}

function fixed(decimal: Decimal, precision: number): string {
  const { digits, point } = decimal
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, '0') : '0'
  const rest = point > 0 ? digits.slice(point) : '0'.repeat(digits === '' ? 0 : -point) + digits
  const fraction = precision < 0 ? rest : rest.slice(0, precision).padEnd(precision, '0')
  return fraction === '' ? whole : `${whole}.${fraction}`
}

function shortest(value: number): Decimal {
  if (value === 0) return { digits: '', point: 0 }
  const [mantissa = '', exponent = '0'] = value.toExponential().split('e')
  return trimmed(mantissa.replace('.', ''), Number(exponent) + 1)
}

/** The number rounded to `count` significant digits; trailing zeros are dropped. */
function significant(value: number, count: number): Decimal {
  if (value === 0) return { digits: '', point: 0 }
  const magnitude = Number(value.toExponential().split('e')[1]) + 1
  // Rounding up may have added a digit.
  const scaled = scaledInteger(value, count - magnitude)
  const text = scaled.toString()
  return trimmed(text.slice(0, count), magnitude + (text.length > count ? 1 : 0))
}

function trimmed(digits: string, point: number): Decimal {
  const kept = digits.replace(/0+$/, '')
  return { digits: kept, point }
}

function toFixedExact(value: number, precision: number): string {
  if (precision <= 20 && value < 1e15) {
    const more = value.toFixed(precision + 1)
    // JavaScript rounds an exact half up, Go to even.
    if (!(more.endsWith('5') && Number(more) === value)) return value.toFixed(precision)
  }
  const text = scaledInteger(value, precision)
    .toString()
    .padStart(precision + 1, '0')
  return precision === 0 ? text : `${text.slice(0, -precision)}.${text.slice(-precision)}`
}

/** value × 10^power as the nearest integer, computed exactly, half to even. */
function scaledInteger(value: number, power: number): bigint {
  const [mantissa, exponent] = parts(value)
  let numerator = mantissa
  let denominator = 1n
  if (exponent >= 0) numerator <<= BigInt(exponent)
  else denominator <<= BigInt(-exponent)
  if (power >= 0) numerator *= 10n ** BigInt(power)
  else denominator *= 10n ** BigInt(-power)
  const quotient = numerator / denominator
  const twice = (numerator % denominator) * 2n
  return twice > denominator || (twice === denominator && (quotient & 1n) === 1n) ? quotient + 1n : quotient
}

/** The integer mantissa and the binary exponent of a positive float. */
function parts(value: number): readonly [bigint, number] {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  const bits = view.getBigUint64(0)
  const exponent = Number(bits >> 52n) & 0x7ff
  const fraction = bits & 0xfffffffffffffn
  return exponent === 0 ? [fraction, -1074] : [fraction | (1n << 52n), exponent - 1075]
}

function binaryExponent(value: number): string {
  const [mantissa, exponent] = parts(value)
  return `${mantissa}p${exponent < 0 ? '-' : '+'}${Math.abs(exponent)}`
}

function hexadecimal(value: number, precision: number): string {
  let [mantissa, exponent] = parts(value)
  if (mantissa === 0n) exponent = 0
  else {
    while (mantissa >> 52n === 0n) {
      mantissa <<= 1n
      exponent--
    }
    exponent += 52
  }
  // One bit before the point and 52 after it: 13 hexadecimal digits.
  if (precision >= 0 && precision < 13) {
    const cut = BigInt(4 * (13 - precision))
    const half = 1n << (cut - 1n)
    const rest = mantissa & ((1n << cut) - 1n)
    mantissa >>= cut
    if (rest > half || (rest === half && (mantissa & 1n) === 1n)) mantissa++
    mantissa <<= cut
    if (mantissa >> 53n !== 0n) {
      mantissa >>= 1n
      exponent++
    }
  }
  const text = (mantissa & 0xfffffffffffffn).toString(16).padStart(13, '0')
  const fraction = precision < 0 ? text.replace(/0+$/, '') : text.slice(0, precision).padEnd(precision, '0')
  const power = String(Math.abs(exponent)).padStart(2, '0')
  return `0x${mantissa >> 52n}${fraction === '' ? '' : `.${fraction}`}p${exponent < 0 ? '-' : '+'}${power}`
}
