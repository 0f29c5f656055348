/** Binary data as text: base64, hexadecimal, ascii85 and Z85, with the error texts of Go's packages. */
import { MappingError } from '../errors.ts'
import { isPrintable } from './quote.ts'
import { MAX_RESULT_BYTES } from './target.ts'

export type Base64Kind = 'std' | 'url' | 'rawurl' | 'rawstd'

const PAD = 0x3d
const Z85_DIGITS = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#'
/** How much of base64 text the original's reader decodes at first; positions in its errors count from there on anew. */
const BASE64_CHUNK = 680

export function encodeBase64(bytes: Uint8Array, kind: Base64Kind): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
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

/** Line breaks are skipped. Throws `illegal base64 data at input byte 4` and `unexpected EOF`. */
export function decodeBase64(bytes: Uint8Array, kind: Base64Kind): Uint8Array {
  const text = Buffer.from(bytes)
    .toString('latin1')
    .replace(/[\r\n]/g, '')
  const isPadded = kind === 'std' || kind === 'url'
  const isUrl = kind === 'url' || kind === 'rawurl'
  const valid = isUrl ? /^[A-Za-z0-9_-]*(={0,2})$/ : /^[A-Za-z0-9+/]*(={0,2})$/
  const padding = valid.exec(text)?.[1]?.length
  const isWhole = isPadded ? text.length % 4 === 0 : padding === 0 && text.length % 4 !== 1
  if (padding !== undefined && isWhole) return new Uint8Array(Buffer.from(text, isUrl ? 'base64url' : 'base64'))
  throw base64Failure(text, isPadded, isUrl)
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

/** The position that is complained about in the four characters from `at` on, or -1. */
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

export function encodeHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}

/** Throws `encoding/hex: invalid byte: U+0067 'g'` and, for half a byte, `unexpected EOF`. */
export function decodeHex(bytes: Uint8Array): Uint8Array {
  const text = Buffer.from(bytes).toString('latin1')
  const wrong = text.search(/[^0-9a-fA-F]/)
  if (wrong >= 0) throw new MappingError(`encoding/hex: invalid byte: ${byteText(bytes[wrong]!)}`)
  if (text.length % 2 !== 0) throw new MappingError('unexpected EOF')
  return new Uint8Array(Buffer.from(text, 'hex'))
}

/** A byte in the way of Go's `%#U`. */
function byteText(byte: number): string {
  const char = String.fromCharCode(byte)
  const code = `U+${byte.toString(16).toUpperCase().padStart(4, '0')}`
  return isPrintable(char) ? `${code} '${char}'` : code
}

export function encodeAscii85(bytes: Uint8Array): string {
  const out: string[] = []
  for (let at = 0; at < bytes.length; at += 4) {
    const count = Math.min(4, bytes.length - at)
    let value = 0
    for (let i = 0; i < 4; i++) value = value * 256 + (i < count ? bytes[at + i]! : 0)
    if (value === 0 && count === 4) {
      out.push('z')
      continue
    }
    let digits = ''
    for (let i = 0; i < 5; i++) {
      digits = String.fromCharCode(33 + (value % 85)) + digits
      value = Math.floor(value / 85)
    }
    out.push(digits.slice(0, count + 1))
  }
  return out.join('')
}

/** Blanks are skipped. Throws `illegal ascii85 data at input byte 3`. */
export function decodeAscii85(bytes: Uint8Array): Uint8Array {
  const out: number[] = []
  let value = 0
  let count = 0
  for (const [at, byte] of bytes.entries()) {
    if (byte <= 0x20) continue
    if (byte === 0x7a && count === 0) {
      out.push(0, 0, 0, 0)
      continue
    }
    if (byte < 0x21 || byte > 0x75) throw new MappingError(`illegal ascii85 data at input byte ${at}`)
    value = Math.imul(value, 85) + (byte - 0x21)
    if (++count < 5) continue
    out.push((value >>> 24) & 255, (value >>> 16) & 255, (value >>> 8) & 255, value & 255)
    value = count = 0
  }
  if (count === 1) throw new MappingError('illegal ascii85 data at input byte 1')
  if (count > 1) {
    for (let i = count; i < 5; i++) value = Math.imul(value, 85) + 84
    for (let i = 0; i < count - 1; i++) out.push((value >>> (24 - 8 * i)) & 255)
  }
  return Uint8Array.from(out)
}

/** Throws `z85: wrongly aligned input data` where the length is no multiple of 4. */
export function encodeZ85(bytes: Uint8Array): string {
  if (bytes.length % 4 !== 0) throw new MappingError('z85: wrongly aligned input data')
  if (bytes.length > MAX_RESULT_BYTES) throw new MappingError('z85: too much input data')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let out = ''
  for (let at = 0; at < bytes.length; at += 4) {
    let value = view.getUint32(at)
    let digits = ''
    for (let i = 0; i < 5; i++) {
      digits = Z85_DIGITS[value % 85]! + digits
      value = Math.floor(value / 85)
    }
    out += digits
  }
  return out
}

/** Throws `z85: wrongly aligned input data` and `z85: invalid input byte: U+0022 '"'`. */
export function decodeZ85(bytes: Uint8Array): Uint8Array {
  if (bytes.length % 5 !== 0) throw new MappingError('z85: wrongly aligned input data')
  const out = new DataView(new ArrayBuffer((bytes.length / 5) * 4))
  for (let at = 0; at < bytes.length; at += 5) {
    let value = 0
    for (let i = 0; i < 5; i++) {
      const byte = bytes[at + i]!
      const digit = Z85_DIGITS.indexOf(String.fromCharCode(byte))
      if (digit < 0) throw new MappingError(`z85: invalid input byte: ${byteText(byte)}`)
      value = (Math.imul(value, 85) + digit) >>> 0
    }
    out.setUint32((at / 5) * 4, value)
  }
  return new Uint8Array(out.buffer)
}
