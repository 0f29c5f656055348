import { MappingError } from '../errors.ts'
import { quote } from '../text/quote.ts'

/** The bounds of signed and unsigned 64-bit integers. */
export const MAX_INT64 = 2n ** 63n - 1n
export const MIN_INT64 = -(2n ** 63n)
export const MAX_UINT64 = 2n ** 64n - 1n

/** An integer in Go's syntax; `base` 0 also accepts `0x1F`, `0b1`, `0o7`, `017` and `_`. Throws Go's error texts. */
export function parseInt64(text: string, base: 0 | 10): bigint {
  const match = /^([+-]?)(.*)$/s.exec(text)!
  const magnitude = parseMagnitude('ParseInt', text, match[2]!, base)
  const value = match[1] === '-' ? -magnitude : magnitude
  if (value > MAX_INT64 || value < MIN_INT64) throw outOfRange('ParseInt', text)
  return value
}

/** Like {@link parseInt64}, without a sign and up to 2^64 - 1. */
export function parseUint64(text: string, base: 0 | 10): bigint {
  const value = parseMagnitude('ParseUint', text, text, base)
  if (value > MAX_UINT64) throw outOfRange('ParseUint', text)
  return value
}

/** A float in Go's syntax: decimal, hexadecimal with `p`, `inf`, `nan`; an overflow is an error. */
export function parseFloat64(text: string): number {
  const value = readFloat(text)
  if (value === null) throw badSyntax('ParseFloat', text)
  if (!Number.isFinite(value) && /\d/.test(text)) throw outOfRange('ParseFloat', text)
  return value
}

/** Like {@link parseFloat64}, but null instead of an error. */
export function floatOf(text: string): number | null {
  const value = readFloat(text)
  return value === null || Number.isFinite(value) || !/\d/.test(text) ? value : null
}

/** Like {@link parseFloat64}, rounded to 32 bits. */
export function parseFloat32(text: string): number {
  const value = readFloat(text)
  if (value === null) throw badSyntax('ParseFloat', text)
  const rounded = Math.fround(value)
  if (!Number.isFinite(rounded) && /\d/.test(text)) throw outOfRange('ParseFloat', text)
  return rounded
}

function parseMagnitude(call: string, whole: string, digits: string, base: 0 | 10): bigint {
  let plain = digits
  let prefix = ''
  if (base === 0) {
    plain = digits.replaceAll('_', '')
    const lower = plain.slice(0, 2).toLowerCase()
    if (lower === '0x' || lower === '0b' || lower === '0o') {
      prefix = lower
      plain = plain.slice(2)
    } else if (plain.length > 1 && plain[0] === '0') {
      prefix = '0o'
      plain = plain.slice(1)
    }
  }
  const read = DIGITS[prefix]!.exec(plain)![0]
  const value = read === '' ? 0n : wholeNumber(prefix, read)
  // Digits are read from left to right: an overflow is reported before an error that follows it.
  if (value > MAX_UINT64) throw outOfRange(call, whole)
  if (read === '' || read.length < plain.length || (base === 0 && !underscoresAreFine(digits))) {
    throw badSyntax(call, whole)
  }
  return value
}

/** Converting millions of digits takes too long, and the number is out of range anyway. */
function wholeNumber(prefix: string, digits: string): bigint {
  const significant = digits.replace(/^0+(?=.)/, '')
  return significant.length > 64 ? MAX_UINT64 + 1n : BigInt(prefix + significant)
}

const DIGITS: Readonly<Record<string, RegExp>> = {
  '': /^[0-9]*/,
  '0x': /^[0-9a-fA-F]*/,
  '0b': /^[01]*/,
  '0o': /^[0-7]*/,
}

function readFloat(text: string): number | null {
  if (/^[+-]?\d+(\.\d+)?$/.test(text)) return Number(text)
  // A quick exit: most other texts do not even start like a number.
  if (!/^[+-.0-9iIn]/i.test(text)) return null
  const special = /^([+-]?)(inf|infinity)$|^nan$/i.exec(text)
  if (special !== null) return special[2] === undefined ? Number.NaN : special[1] === '-' ? -Infinity : Infinity
  if (text.includes('_') && !underscoresAreFine(text.replace(/^[+-]/, ''))) return null
  const plain = text.replaceAll('_', '')
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain)) return Number(plain)
  const hex = /^([+-]?)0x([0-9a-f]*)\.?([0-9a-f]*)p([+-]?\d+)$/i.exec(plain)
  if (hex === null || hex[2]! + hex[3]! === '' || (hex[3] === '' && /\..*\./.test(plain))) return null
  return readHexFloat(hex[1] === '-', hex[2]!, hex[3]!, Number(hex[4]))
}

/** Rounds half to even, using all digits: the mantissa is an integer, the scale a power of two. */
function readHexFloat(negative: boolean, whole: string, fraction: string, exponent: number): number {
  let mantissa = BigInt(`0x${whole}${fraction}`)
  let scale = exponent - 4 * fraction.length
  const spare = mantissa.toString(2).length - 64
  if (spare > 0) {
    const rest = mantissa & ((1n << BigInt(spare)) - 1n)
    mantissa >>= BigInt(spare)
    if (rest !== 0n) mantissa |= 1n
    scale += spare
  }
  const value = Number(mantissa) * 2 ** Math.max(-1000, scale) * 2 ** Math.min(0, scale + 1000)
  return negative ? -value : value
}

/** Go's rule: an underscore may only be between digits, or between a base prefix and a digit. */
function underscoresAreFine(digits: string): boolean {
  if (!digits.includes('_')) return true
  const match = /^(0[xXbBoO])?(.*)$/s.exec(digits)!
  const isDigit = /^0x$/i.test(match[1] ?? '') ? /[0-9a-f]/i : /[0-9]/
  let saw: 'start' | 'digit' | 'underscore' | 'other' = match[1] === undefined ? 'start' : 'digit'
  for (const character of match[2]!) {
    if (isDigit.test(character)) saw = 'digit'
    else if (character === '_') {
      if (saw !== 'digit') return false
      saw = 'underscore'
    } else {
      if (saw === 'underscore') return false
      saw = 'other'
    }
  }
  return saw !== 'underscore'
}

function badSyntax(call: string, text: string): MappingError {
  return new MappingError(`strconv.${call}: parsing ${quote(text)}: invalid syntax`)
}

function outOfRange(call: string, text: string): MappingError {
  return new MappingError(`strconv.${call}: parsing ${quote(text)}: value out of range`)
}
