/** Binary data as text: base64, hexadecimal, ascii85 and Z85, with the error texts of Go's packages. */
import { MappingError } from '../errors.ts'
import { asBuffer, byteString, utf8Bytes } from './bytes.ts'
import { isPrintable } from './quote.ts'
import { copyOf, scratch } from './scratch.ts'
import { MAX_RESULT_BYTES } from './target.ts'
import { bigEndian32 } from './words.ts'

/** The alphabet (`std` or `url`) and whether padding is omitted (`raw`). */
export type Base64Kind = 'std' | 'url' | 'rawurl' | 'rawstd'

const PAD = 0x3d
const Z85 = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#'
/** The characters of the digits, and the reverse mapping. */
const Z85_DIGITS = Uint8Array.from(Z85, digit => digit.charCodeAt(0))
const NO_DIGIT = 255
const Z85_VALUES = new Uint8Array(256).fill(NO_DIGIT)
for (const [value, code] of Z85_DIGITS.entries()) Z85_VALUES[code] = value
const ASCII85_DIGITS = Uint8Array.from({ length: 85 }, (_, value) => 33 + value)
/** The single character for four zero bytes in ascii85. */
const Z = 0x7a
/** How much base64 text the original's reader decodes per chunk; positions in its errors are relative to the chunk. */
const BASE64_CHUNK = 680

/** Encodes bytes in base64. */
export function encodeBase64(bytes: Uint8Array, kind: Base64Kind): string {
  const buffer = asBuffer(bytes)
  switch (kind) {
    case 'std':
      return buffer.toString('base64')
    case 'rawstd':
      return buffer.toString('base64').replace(/=+$/, '')
    case 'rawurl':
      return buffer.toString('base64url')
    case 'url': {
      const text = buffer.toString('base64url')
      return text.padEnd(Math.ceil(text.length / 4) * 4, '=')
    }
  }
}

/** Decodes base64; line breaks are skipped. Throws `illegal base64 data at input byte 4` and `unexpected EOF`. */
export function decodeBase64(source: string | Uint8Array, kind: Base64Kind): Uint8Array {
  const isPadded = kind === 'std' || kind === 'url'
  const isUrl = kind === 'url' || kind === 'rawurl'
  const plain = asciiText(source)
  const decoded = plain === undefined ? undefined : decodedBase64(plain, isPadded, isUrl)
  if (decoded !== undefined) return decoded
  const bytes = typeof source === 'string' ? utf8Bytes(source) : source
  const text = byteString(bytes).replace(/[\r\n]/g, '')
  const broken = text.length === bytes.length ? undefined : decodedBase64(text, isPadded, isUrl)
  if (broken !== undefined) return broken
  throw base64Failure(text, isPadded, isUrl)
}

/**
 * Decodes with Node; undefined unless the text is pure base64: Node skips invalid characters, which gives too few
 * bytes, and accepts both alphabets.
 */
function decodedBase64(text: string, isPadded: boolean, isUrl: boolean): Uint8Array | undefined {
  const { length } = text
  if (isPadded ? length % 4 !== 0 : length % 4 === 1) return undefined
  const padding = isPadded && text.endsWith('=') ? (text.endsWith('==') ? 2 : 1) : 0
  const decoded = Buffer.from(text, 'base64')
  if (decoded.length !== Math.floor(length * 0.75) - padding) return undefined
  const hasOthers = isUrl ? text.includes('+') || text.includes('/') : text.includes('-') || text.includes('_')
  return hasOthers ? undefined : decoded
}

/** One character per byte; undefined for texts beyond ASCII. */
function asciiText(source: string | Uint8Array): string | undefined {
  if (typeof source !== 'string') return byteString(source)
  return Buffer.byteLength(source) === source.length ? source : undefined
}

function base64Failure(text: string, isPadded: boolean, isUrl: boolean): MappingError {
  const digit = isUrl ? /[A-Za-z0-9_-]/ : /[A-Za-z0-9+/]/
  const wholeLength = text.length - (text.length % 4)
  for (let at = 0; at < wholeLength; at += 4) {
    const wrong = wrongInQuantum(
      text,
      at,
      Math.min(wholeLength, at < BASE64_CHUNK ? BASE64_CHUNK : text.length),
      digit,
      isPadded,
    )
    if (wrong >= 0) return illegalBase64(at >= BASE64_CHUNK ? wrong - BASE64_CHUNK : wrong)
  }
  if (isPadded) return new MappingError('unexpected EOF')
  const rest = text.slice(wholeLength)
  const wrong = Array.from(rest).findIndex(char => !digit.test(char))
  return illegalBase64(wrong < 0 ? 0 : wrong)
}

/** The position of the error in the four characters from `at` on, or -1. */
function wrongInQuantum(text: string, at: number, end: number, digit: RegExp, isPadded: boolean): number {
  for (let i = 0; i < 4; i++) {
    if (digit.test(text[at + i]!)) continue
    if (!isPadded || text.charCodeAt(at + i) !== PAD || i < 2) return at + i
    if (i === 2 && text.charCodeAt(at + 3) !== PAD) return at + 2 + 0
    return at + 4 < end ? at + 4 : -1
  }
  return -1
}

function illegalBase64(at: number): MappingError {
  return new MappingError(`illegal base64 data at input byte ${at}`)
}

/** Encodes bytes as two hexadecimal digits each. */
export function encodeHex(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('hex')
}

/** Decodes hexadecimal. Throws `encoding/hex: invalid byte: U+0067 'g'` or, after half a byte, `unexpected EOF`. */
export function decodeHex(source: string | Uint8Array): Uint8Array {
  const plain = asciiText(source)
  if (plain !== undefined) {
    // Node stops at the first invalid character.
    const decoded = Buffer.from(plain, 'hex')
    if (decoded.length * 2 === plain.length) return decoded
  }
  const bytes = typeof source === 'string' ? utf8Bytes(source) : source
  const wrong = byteString(bytes).search(/[^0-9a-fA-F]/)
  if (wrong >= 0) throw new MappingError(`encoding/hex: invalid byte: ${byteText(bytes[wrong]!)}`)
  throw new MappingError('unexpected EOF')
}

/** Formats a byte as Go's `%#U` does. */
function byteText(byte: number): string {
  const char = String.fromCharCode(byte)
  const code = `U+${byte.toString(16).toUpperCase().padStart(4, '0')}`
  return isPrintable(char) ? `${code} '${char}'` : code
}

/** Encodes bytes in ascii85, without delimiters. */
export function encodeAscii85(bytes: Uint8Array): string {
  const out = scratch(Math.ceil(bytes.length / 4) * 5)
  const whole = bytes.length - (bytes.length % 4)
  let length = 0
  for (let at = 0; at < whole; at += 4) {
    const value = bigEndian32(bytes, at)
    if (value === 0) out[length++] = Z
    else {
      writeDigits(out, length, value, ASCII85_DIGITS)
      length += 5
    }
  }
  const rest = bytes.length - whole
  if (rest > 0) {
    const last = [0, 1, 2, 3].map(i => (i < rest ? bytes[whole + i]! : 0))
    writeDigits(out, length, bigEndian32(last, 0), ASCII85_DIGITS)
    length += rest + 1
  }
  return out.toString('latin1', 0, length)
}

/** Writes five digits in base 85, most significant first. */
function writeDigits(out: Uint8Array, at: number, value: number, digits: Uint8Array): void {
  let rest = value
  for (let i = at + 4; i >= at; i--) {
    const quotient = Math.floor(rest / 85)
    out[i] = digits[rest - quotient * 85]!
    rest = quotient
  }
}

/** Decodes ascii85; white space is skipped. Throws `illegal ascii85 data at input byte 3`. */
export function decodeAscii85(source: string | Uint8Array): Uint8Array {
  const bytes = typeof source === 'string' ? utf8Bytes(source) : source
  const out = scratch(bytes.length * 4)
  let length = 0
  let value = 0
  let count = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!
    if (byte <= 0x20) continue
    if (byte === Z && count === 0) {
      length = writeWord(out, length, 0)
      continue
    }
    if (byte < 0x21 || byte > 0x75) throw new MappingError(`illegal ascii85 data at input byte ${at}`)
    value = Math.imul(value, 85) + (byte - 0x21)
    if (++count < 5) continue
    length = writeWord(out, length, value)
    value = count = 0
  }
  if (count === 1) throw new MappingError('illegal ascii85 data at input byte 1')
  if (count > 1) {
    for (let i = count; i < 5; i++) value = Math.imul(value, 85) + 84
    for (let i = 0; i < count - 1; i++) out[length++] = value >>> (24 - 8 * i)
  }
  return copyOf(out, length)
}

function writeWord(out: Uint8Array, at: number, value: number): number {
  out[at] = value >>> 24
  out[at + 1] = value >>> 16
  out[at + 2] = value >>> 8
  out[at + 3] = value
  return at + 4
}

/** Encodes Z85. Throws `z85: wrongly aligned input data` if the length is not a multiple of 4. */
export function encodeZ85(bytes: Uint8Array): string {
  if (bytes.length % 4 !== 0) throw new MappingError('z85: wrongly aligned input data')
  if (bytes.length > MAX_RESULT_BYTES) throw new MappingError('z85: too much input data')
  const out = scratch((bytes.length / 4) * 5)
  let length = 0
  for (let at = 0; at < bytes.length; at += 4, length += 5) writeDigits(out, length, bigEndian32(bytes, at), Z85_DIGITS)
  return out.toString('latin1', 0, length)
}

/** Decodes Z85. Throws `z85: wrongly aligned input data` and `z85: invalid input byte: U+0022 '"'`. */
export function decodeZ85(source: string | Uint8Array): Uint8Array {
  const bytes = typeof source === 'string' ? utf8Bytes(source) : source
  if (bytes.length % 5 !== 0) throw new MappingError('z85: wrongly aligned input data')
  const out = Buffer.allocUnsafe((bytes.length / 5) * 4)
  for (let at = 0, length = 0; at < bytes.length; at += 5) {
    let value = 0
    for (let i = at; i < at + 5; i++) {
      const digit = Z85_VALUES[bytes[i]!]!
      if (digit === NO_DIGIT) throw new MappingError(`z85: invalid input byte: ${byteText(bytes[i]!)}`)
      value = Math.imul(value, 85) + digit
    }
    length = writeWord(out, length, value)
  }
  return out
}
