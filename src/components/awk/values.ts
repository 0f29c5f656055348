import { compareText, formatFloat, sprintf, Uint64, Float, type Value } from '../../bloblang/index.ts'

/** A text from the input, which counts as a number if it looks like one. */
export class Input {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** A value of a program; undefined is an unset variable, which is both zero and an empty string. */
export type Scalar = undefined | number | string | Input

/** An error of a program while it processes a message. */
export class AwkError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'AwkError'
  }
}

const NUMBER =
  /^[ \t\n\v\f\r]*[+-]?(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf(?:inity)?|nan)[ \t\n\v\f\r]*$/i
const PREFIX = /^[ \t\n\v\f\r]*([+-]?)(0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|inf|nan)/i

export function toNumber(value: Scalar): number {
  if (typeof value === 'number') return value
  if (value === undefined) return 0
  return prefixNumber(typeof value === 'string' ? value : value.text)
}

/** The number at the start of a text; zero if there is none. */
function prefixNumber(text: string): number {
  const match = PREFIX.exec(text)
  if (match === null) return 0
  const [, sign = '', digits = ''] = match
  const lower = digits.toLowerCase()
  const size = lower === 'inf' ? Number.POSITIVE_INFINITY : lower === 'nan' ? Number.NaN : Number(digits)
  return sign === '-' ? -size : size
}

/** Converts a value to a string; `format` is used for non-integers. */
export function toText(value: Scalar, format: string): string {
  if (typeof value === 'string') return value
  if (value === undefined) return ''
  if (typeof value !== 'number') return value.text
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf'
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 63) return value === 0 ? '0' : BigInt(value).toString()
  return format === '%.6g' ? formatFloat(value, 'g', 6) : sprintf(format, [new Float(value)])
}

export function isTrue(value: Scalar): boolean {
  if (typeof value === 'string') return value !== ''
  if (value instanceof Input) return NUMBER.test(value.text) ? prefixNumber(value.text) !== 0 : value.text !== ''
  return value !== undefined && value !== 0
}

/** Whether a value is compared as a string. */
function isText(value: Scalar): boolean {
  return typeof value === 'string' || (value instanceof Input && !NUMBER.test(value.text))
}

/** Negative, zero or positive; NaN if the values are unordered. */
export function compare(left: Scalar, right: Scalar, format: string): number {
  if (isText(left) || isText(right)) return compareText(toText(left, format), toText(right, format))
  const [first, second] = [toNumber(left), toNumber(right)]
  return first < second ? -1 : first > second ? 1 : first === second ? 0 : Number.NaN
}

/** Formats as `printf` does. Throws {@link AwkError}. */
export function printed(format: string, args: readonly Scalar[], numberFormat: string): string {
  const values: Value[] = []
  let next = 0
  const argument = () => {
    if (next >= args.length) throw tooFew(format, args.length)
    return args[next++]
  }
  const adapted = format.replaceAll(/%([ .\-+*#0-9]*)(.|$)/gs, (_, flags: string, verb: string) => {
    if (verb === '%' && flags === '') return '%%'
    for (const flag of flags) if (flag === '*') values.push(integerOf(argument()))
    switch (verb) {
      case 's':
        values.push(toText(argument(), numberFormat))
        return `%${flags}s`
      case 'd':
      case 'i':
        values.push(integerOf(argument()))
        return `%${flags}d`
      case 'o':
      case 'x':
      case 'X':
        values.push(integerOf(argument()))
        return `%${flags}${verb}`
      case 'f':
      case 'e':
      case 'E':
      case 'g':
      case 'G':
        values.push(new Float(toNumber(argument())))
        return `%${flags}${verb}`
      case 'u':
        values.push(new Uint64(BigInt.asUintN(64, integerOf(argument()))))
        return `%${flags}d`
      case 'c':
        values.push(characterOf(argument(), numberFormat))
        return `%${flags}s`
      case '':
        throw new AwkError('format error: expected type specifier after %')
      default:
        throw new AwkError(`format error: invalid format type '${verb}'`)
    }
  })
  return sprintf(adapted, values)
}

function tooFew(format: string, count: number): AwkError {
  const expected = format.replaceAll('%%', '').match(/%[ .\-+*#0-9]*[a-zA-Z]/g) ?? []
  const stars = expected.join('').split('*').length - 1
  return new AwkError(`format error: got ${count} args, expected ${expected.length + stars}`)
}

export function integerOf(value: Scalar): bigint {
  const number = Math.trunc(toNumber(value))
  if (Number.isNaN(number) || number < -(2 ** 63)) return -(2n ** 63n)
  return number >= 2 ** 63 ? 2n ** 63n - 1n : BigInt(number)
}

/** The first character of a string, or the character with a code. */
function characterOf(value: Scalar, format: string): string {
  if (isText(value)) return toText(value, format).slice(0, 1) || '\0'
  return String.fromCharCode(Math.trunc(toNumber(value)) & 0xff)
}
