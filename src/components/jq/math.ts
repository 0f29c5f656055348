import type { PlainFunction } from './functions.ts'
import { isNumber, JqError, type Json, typedPreview } from './json.ts'

type Unary = (x: number) => number
type Binary = (x: number, y: number) => number

const unary: Readonly<Record<string, Unary>> = {
  acos: Math.acos,
  acosh: Math.acosh,
  asin: Math.asin,
  asinh: Math.asinh,
  atan: Math.atan,
  atanh: Math.atanh,
  cbrt: Math.cbrt,
  ceil: Math.ceil,
  cos: Math.cos,
  cosh: Math.cosh,
  exp: Math.exp,
  exp10: x => 10 ** x,
  exp2: x => 2 ** x,
  expm1: Math.expm1,
  fabs: Math.abs,
  floor: Math.floor,
  gamma,
  lgamma: x => Math.log(Math.abs(gamma(x))),
  log: Math.log,
  log10: Math.log10,
  log1p: Math.log1p,
  log2: Math.log2,
  logb: x => (x === 0 ? Number.NEGATIVE_INFINITY : Number.isFinite(x) ? exponentOf(x) - 1 : Math.abs(x)),
  nearbyint: toEven,
  rint: toEven,
  round: x => Math.sign(x) * Math.round(Math.abs(x)),
  significand: x => (x === 0 || !Number.isFinite(x) ? x : x / 2 ** (exponentOf(x) - 1)),
  sin: Math.sin,
  sinh: Math.sinh,
  sqrt: Math.sqrt,
  tan: Math.tan,
  tanh: Math.tanh,
  tgamma: gamma,
  trunc: Math.trunc,
}

const binary: Readonly<Record<string, Binary>> = {
  atan2: Math.atan2,
  copysign: (x, y) => (y < 0 || Object.is(y, -0) ? -Math.abs(x) : Math.abs(x)),
  drem: remainder,
  fdim: (x, y) => (x > y ? x - y : 0),
  fmax: (x, y) => Math.max(x, y),
  fmin: (x, y) => Math.min(x, y),
  fmod: (x, y) => x % y,
  hypot: (x, y) => Math.hypot(x, y),
  ldexp: (x, y) => x * 2 ** Math.trunc(y),
  nextafter,
  nexttoward: nextafter,
  pow: (x, y) => x ** y,
  remainder,
  scalb: (x, y) => x * 2 ** Math.trunc(y),
  scalbln: (x, y) => x * 2 ** Math.trunc(y),
}

/** Math functions by name and number of arguments. Bessel and error functions are not included. */
export const mathFunctions: Readonly<Record<string, PlainFunction>> = {
  ...named(unary, 0, (name, run) => input => run(numberOf(name, input))),
  ...named(binary, 2, (name, run) => (_, x, y) => run(numberOf(name, x!), numberOf(name, y!))),
  'fma/3': (_, x, y, z) => numberOf('fma', x!) * numberOf('fma', y!) + numberOf('fma', z!),
  'frexp/0': input => {
    const x = numberOf('frexp', input)
    if (x === 0 || !Number.isFinite(x)) return [x, 0]
    return [x / 2 ** exponentOf(x), exponentOf(x)]
  },
  'modf/0': input => {
    const x = numberOf('modf', input)
    return Number.isFinite(x) ? [x % 1, Math.trunc(x)] : [0, x]
  },
  'infinite/0': () => Number.POSITIVE_INFINITY,
  'nan/0': () => Number.NaN,
  'isfinite/0': input => isNumber(input) && Math.abs(Number(input)) !== Number.POSITIVE_INFINITY,
  'isinfinite/0': input => isNumber(input) && Math.abs(Number(input)) === Number.POSITIVE_INFINITY,
  'isnan/0': input => input !== null && Number.isNaN(numberOf('isnan', input)),
  'isnormal/0': input => {
    const size = isNumber(input) ? Math.abs(Number(input)) : 0
    return size >= 2 ** -1022 && Number.isFinite(size)
  },
}

function named<F>(
  table: Readonly<Record<string, F>>,
  arity: number,
  wrap: (name: string, run: F) => PlainFunction,
): Record<string, PlainFunction> {
  return Object.fromEntries(Object.entries(table).map(([name, run]) => [`${name}/${arity}`, wrap(name, run)]))
}

function numberOf(name: string, value: Json): number {
  if (!isNumber(value)) throw new JqError(`${name} cannot be applied to: ${typedPreview(value)}`)
  return Number(value)
}

/** The exponent of a non-zero number: the number is this power of two times a fraction between 0.5 and 1. */
function exponentOf(x: number): number {
  let exponent = Math.floor(Math.log2(Math.abs(x))) + 1
  // The logarithm may be off by one near powers of two.
  if (Math.abs(x) / 2 ** exponent >= 1) exponent++
  if (Math.abs(x) / 2 ** exponent < 0.5) exponent--
  return exponent
}

function toEven(x: number): number {
  const floor = Math.floor(x)
  if (x - floor !== 0.5) return Math.round(x)
  return floor % 2 === 0 ? floor : floor + 1
}

function remainder(x: number, y: number): number {
  return y === 0 ? Number.NaN : x - y * toEven(x / y)
}

function nextafter(x: number, y: number): number {
  if (Number.isNaN(x) || Number.isNaN(y)) return Number.NaN
  if (x === y) return x
  if (x === 0) return Math.sign(y) * Number.MIN_VALUE
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, x)
  view.setBigInt64(0, view.getBigInt64(0) + (y > x === x > 0 ? 1n : -1n))
  return view.getFloat64(0)
}

/** Exact for integers, by the Lanczos approximation for everything else. */
function gamma(x: number): number {
  if (Number.isInteger(x)) return x > 171 ? Number.POSITIVE_INFINITY : x < 1 ? Number.NaN : factorial(x - 1)
  if (x < 0.5) return Math.PI / (Math.sin(Math.PI * x) * gamma(1 - x))
  const [first, ...rest] = LANCZOS as unknown as [number, ...number[]] // there are nine coefficients
  const sum = rest.reduce((total, coefficient, at) => total + coefficient / (x + at), first)
  const base = x + 6.5
  return Math.sqrt(2 * Math.PI) * base ** (x - 0.5) * Math.exp(-base) * sum
}

const LANCZOS: readonly number[] = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
]

function factorial(n: number): number {
  let product = 1
  for (let factor = 2; factor <= n; factor++) product *= factor
  return product
}
