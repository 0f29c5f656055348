/**
 * Elementary functions with bit-identical results to Go's: sine, cosine and tangent by the Cephes method, logarithms by
 * FreeBSD's, powers by repeated squaring. JavaScript's own occasionally differ in the last digit, and outputs are
 * compared byte by byte.
 */
export function sin(x: number): number {
  if (x === 0 || Number.isNaN(x)) return x
  if (!Number.isFinite(x)) return Number.NaN
  const { octant, rest } = reduceAngle(Math.abs(x))
  const folded = octant & 3
  const y = folded === 1 || folded === 2 ? cosineSeries(rest) : sineSeries(rest)
  return x < 0 !== octant > 3 ? -y : y
}

/** The cosine of an angle in radians. */
export function cos(x: number): number {
  if (!Number.isFinite(x)) return Number.NaN
  const { octant, rest } = reduceAngle(Math.abs(x))
  const folded = octant & 3
  const y = folded === 1 || folded === 2 ? sineSeries(rest) : cosineSeries(rest)
  return octant > 3 !== folded > 1 ? -y : y
}

/** The tangent of an angle in radians. */
export function tan(x: number): number {
  if (x === 0 || Number.isNaN(x)) return x
  if (!Number.isFinite(x)) return Number.NaN
  const { octant, rest } = reduceAngle(Math.abs(x))
  const square = rest * rest
  const ratio = () => (square * horner(TAN_P, square)) / horner(TAN_Q, square)
  const y = square > 1e-14 ? rest + rest * ratio() : rest
  const turned = (octant & 2) === 2 ? -1 / y : y
  return x < 0 ? -turned : turned
}

/** The natural logarithm. */
export function log(x: number): number {
  if (Number.isNaN(x) || x === Infinity) return x
  if (x < 0) return Number.NaN
  if (x === 0) return -Infinity
  let [fraction, exponent] = splitExponent(x)
  if (fraction < Math.SQRT2 / 2) {
    fraction *= 2
    exponent -= 1
  }
  const f = fraction - 1
  const s = f / (2 + f)
  const square = s * s
  const fourth = square * square
  const odd = square * horner(LOG_ODD, fourth)
  const even = fourth * horner(LOG_EVEN, fourth)
  const half = 0.5 * f * f
  return exponent * LN2_HIGH - (half - (s * (half + (odd + even)) + exponent * LN2_LOW) - f)
}

/** The logarithm to base 10. */
export function log10(x: number): number {
  return log(x) * Math.LOG10E
}

/** `x` to the power `y`. */
export function pow(x: number, y: number): number {
  // The special cases agree in both languages, except for a base of ±1 with an infinite or NaN exponent.
  if (y === 0 || x === 1) return 1
  if (x === -1 && !Number.isFinite(y) && !Number.isNaN(y)) return 1
  if (y === 0.5 && Number.isFinite(x) && x !== 0) return Math.sqrt(x)
  if (y === -0.5 && Number.isFinite(x) && x !== 0) return 1 / Math.sqrt(x)
  if (y === 1 || x === 0 || !Number.isFinite(x) || !Number.isFinite(y) || Math.abs(y) >= 2 ** 63) return x ** y
  return raise(x, y)
}

const SIN = [
  1.5896230157654656e-10, -2.5050747762857807e-8, 0.0000027557313621385722, -0.0001984126982958954,
  0.008333333333322118, -0.1666666666666663,
]
const COS = [
  -1.1358536521387682e-11, 2.087570084197473e-9, -2.755731417929674e-7, 0.000024801587288851704, -0.0013888888888873056,
  0.041666666666666595,
]
const TAN_P = [-13093.693918138379, 1153516.6483858742, -17956525.197648488]
const TAN_Q = [1, 13681.296347069296, -1320892.3444021097, 25008380.18233579, -53869575.592945464]
const LOG_ODD = [0.14798198605116586, 0.1818357216161805, 0.2857142874366239, 0.6666666666666735]
const LOG_EVEN = [0.15313837699209373, 0.22222198432149784, 0.3999999999940942]
const LN2_UPPER = 0.693147180559663
const LN2_LOWER = 2.8235290563031577e-13
const EXP_SERIES = [1 / 40320, 1 / 5040, 1 / 720, 1 / 120, 1 / 24, 1 / 6, 0.5, 1]
const FOUR_OVER_PI = 1.2732395447351628
const LN2_HIGH = 0.6931471803691238
const LN2_LOW = 1.9082149292705877e-10
/** A quarter of pi in three parts, so that the subtraction is exact. */
const QUARTER_PI_PARTS = [0.7853981256484985, 3.774894707930798e-8, 2.6951514290790595e-15] as const
const LARGE_ANGLE = 2 ** 29

/** The even octant of an angle, and the remainder. */
interface ReducedAngle {
  readonly octant: number
  readonly rest: number
}

function reduceAngle(x: number): ReducedAngle {
  if (x >= LARGE_ANGLE) return reduceLargeAngle(x)
  const whole = Math.trunc(x * FOUR_OVER_PI)
  const even = whole + (whole % 2)
  const [high, middle, low] = QUARTER_PI_PARTS
  return { octant: even % 8, rest: x - even * high - even * middle - even * low }
}

/** Such an angle is a multiple of 2^-24. It is multiplied by 4/pi, and 53 bits of the remainder are kept. */
function reduceLargeAngle(x: number): ReducedAngle {
  const scaled = BigInt(Math.round(x * 2 ** 24 >= Infinity ? x : x * 2 ** 24))
  const product = scaled * fourOverPi()
  const bits = FIXED_POINT_BITS + 24n
  const octant = Number((product >> bits) & 7n)
  const fraction = product & ((1n << bits) - 1n)
  const surplus = BigInt(fraction.toString(2).length - 53)
  const kept = Number(fraction >> surplus) * 2 ** (Number(surplus) - Number(bits))
  const rest = octant % 2 === 1 ? kept - 1 : kept
  return { octant: (octant + (octant % 2)) % 8, rest: rest * (Math.PI / 4) }
}

const FIXED_POINT_BITS = 1200n
let knownFourOverPi: bigint | null = null

/** 4/pi as a fixed-point number, from Machin's formula. */
function fourOverPi(): bigint {
  if (knownFourOverPi !== null) return knownFourOverPi
  const one = 1n << (FIXED_POINT_BITS + 64n)
  const pi = 4n * (4n * arcCotangent(5n, one) - arcCotangent(239n, one))
  knownFourOverPi = (4n * one * (1n << FIXED_POINT_BITS)) / pi
  return knownFourOverPi
}

function arcCotangent(x: bigint, one: bigint): bigint {
  let sum = 0n
  let term = one / x
  for (let n = 1n; term !== 0n; n += 2n) {
    sum += n % 4n === 1n ? term / n : -(term / n)
    term /= x * x
  }
  return sum
}

function sineSeries(z: number): number {
  const square = z * z
  return z + z * square * horner(SIN, square)
}

function cosineSeries(z: number): number {
  const square = z * z
  return 1 - 0.5 * square + square * square * horner(COS, square)
}

function horner(coefficients: readonly number[], x: number): number {
  let sum = coefficients[0]!
  for (let at = 1; at < coefficients.length; at++) sum = sum * x + coefficients[at]!
  return sum
}

/** Scratch space for taking floats apart. */
const view = new DataView(new ArrayBuffer(8))

/** x = fraction · 2^exponent with the fraction in [0.5, 1). */
function splitExponent(x: number): [fraction: number, exponent: number] {
  if (x === 0) return [x, 0]
  const subnormal = Math.abs(x) < 2 ** -1022
  view.setFloat64(0, subnormal ? x * 2 ** 52 : x)
  const high = view.getUint32(0)
  const exponent = ((high >>> 20) & 0x7ff) - 1022 - (subnormal ? 52 : 0)
  view.setUint32(0, (high & 0x800fffff) | (1022 << 20))
  return [view.getFloat64(0), exponent]
}

function raise(x: number, y: number): number {
  let whole = Math.trunc(Math.abs(y))
  let part = Math.abs(y) - whole
  if (part !== 0 && x < 0) return Number.NaN
  if (part > 0.5) {
    part -= 1
    whole += 1
  }
  let result = part === 0 ? 1 : exp(part * log(x))
  let exponent = 0
  let [base, baseExponent] = splitExponent(x)
  for (let left = whole; left !== 0; left = Math.floor(left / 2)) {
    if (Math.abs(baseExponent) > 4096) {
      exponent += baseExponent
      break
    }
    if (left % 2 === 1) {
      result *= base
      exponent += baseExponent
    }
    base *= base
    baseExponent *= 2
    if (base < 0.5) {
      base += base
      baseExponent -= 1
    }
  }
  return y < 0 ? scaleByPower(1 / result, -exponent) : scaleByPower(result, exponent)
}

/** For moderate arguments: reduction by ln 2 and 1/16, a Taylor series with fused steps, then four doublings. */
function exp(x: number): number {
  const power = roundHalfEven(x * Math.LOG2E)
  const reduced = fused(-power, LN2_LOWER, fused(-power, LN2_UPPER, x)) * 0.0625
  let series = EXP_SERIES[0]!
  for (let at = 1; at < EXP_SERIES.length; at++) series = fused(series, reduced, EXP_SERIES[at]!)
  let grown = reduced * series
  for (let doubling = 0; doubling < 3; doubling++) grown *= grown + 2
  return scaleByPower(fused(grown, grown + 2, 1), power)
}

function roundHalfEven(x: number): number {
  const rounded = Math.round(x)
  return rounded - x === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded
}

/** a · b + c, rounded once: the product and the sum are each split into their value and rounding error. */
function fused(a: number, b: number, c: number): number {
  const product = a * b
  const [aHigh, aLow] = halves(a)
  const [bHigh, bLow] = halves(b)
  const productRest = aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow)
  const sum = product + c
  const part = sum - product
  return sum + (product - (sum - part) + (c - part) + productRest)
}

function halves(x: number): [high: number, low: number] {
  const scaled = x * 134217729
  const high = scaled - (scaled - x)
  return [high, x - high]
}

/** value · 2^exponent, rounded once. */
function scaleByPower(value: number, exponent: number): number {
  const [fraction, own] = splitExponent(value)
  const total = own + exponent
  if (total > 1024) return fraction * Infinity
  if (total < -1080) return fraction * 0
  return total > 1000
    ? fraction * 2 ** 1000 * 2 ** (total - 1000)
    : total < -1000
      ? fraction * 2 ** (total + 80) * 2 ** -80
      : fraction * 2 ** total
}
