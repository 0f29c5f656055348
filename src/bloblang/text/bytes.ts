/**
 * Conversion between text and bytes. Strings represent a byte that is not UTF-8 as the lone surrogate U+DC00 + byte, so
 * both directions are lossless.
 */
import { isUtf8 } from './is-utf8.ts'

const BAD_BYTE = 0xdc00
/** Browsers have no buffers, but also parse the escapes in mappings. */
const HAS_BUFFERS = globalThis.Buffer !== undefined

/** The UTF-8 bytes of a string; surrogates for bad bytes become those bytes, other lone surrogates U+FFFD. */
export function utf8Bytes(text: string): Uint8Array {
  if (text.isWellFormed()) return HAS_BUFFERS ? Buffer.from(text, 'utf8') : new TextEncoder().encode(text)
  if (text === latest?.text) return latest.bytes
  // A unit takes three bytes at most; a surrogate pair takes four for two units.
  const out = HAS_BUFFERS ? Buffer.allocUnsafe(text.length * 3) : new Uint8Array(text.length * 3)
  let length = 0
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) out[length++] = unit
    else if (isBadByte(unit)) out[length++] = unit - BAD_BYTE
    else if (unit < 0x800) {
      out[length++] = 0xc0 | (unit >> 6)
      out[length++] = 0x80 | (unit & 63)
    } else if (unit >= 0xd800 && unit < BAD_BYTE && isLowSurrogate(text.charCodeAt(i + 1))) {
      const code = text.codePointAt(i++)!
      out[length++] = 0xf0 | (code >> 18)
      out[length++] = 0x80 | ((code >> 12) & 63)
      out[length++] = 0x80 | ((code >> 6) & 63)
      out[length++] = 0x80 | (code & 63)
    } else {
      const code = unit >= 0xd800 && unit <= 0xdfff ? 0xfffd : unit
      out[length++] = 0xe0 | (code >> 12)
      out[length++] = 0x80 | ((code >> 6) & 63)
      out[length++] = 0x80 | (code & 63)
    }
  }
  return out.subarray(0, length)
}

/** The string for arbitrary bytes. */
export function utf8Text(bytes: Uint8Array): string {
  const buffer = HAS_BUFFERS ? asBuffer(bytes) : bytes
  if (isUtf8(buffer)) {
    return HAS_BUFFERS
      ? asBuffer(buffer).toString('utf8')
      : new TextDecoder('utf-8', { ignoreBOM: true }).decode(buffer)
  }
  const { units, view } = unitsFor(buffer.length)
  let length = 0
  for (let i = 0; i < buffer.length; ) {
    const first = buffer[i]!
    if (first < 0x80) {
      units[length++] = first
      i++
      continue
    }
    const width = runeWidth(buffer, i)
    if (width === 0) units[length++] = BAD_BYTE + first
    else if (width === 2) units[length++] = ((first & 31) << 6) | (buffer[i + 1]! & 63)
    else if (width === 3) {
      units[length++] = ((first & 15) << 12) | ((buffer[i + 1]! & 63) << 6) | (buffer[i + 2]! & 63)
    } else {
      const upper = ((first & 7) << 18) | ((buffer[i + 1]! & 63) << 12)
      const code = upper | ((buffer[i + 2]! & 63) << 6) | (buffer[i + 3]! & 63)
      units[length++] = 0xd7c0 + (code >> 10)
      units[length++] = 0xdc00 | (code & 0x3ff)
    }
    i += width || 1
  }
  return view === null ? textOfUnits(units, length) : view.toString('utf16le', 0, length * 2)
}

let latest: { readonly text: string; readonly bytes: Uint8Array } | undefined

/**
 * The string for bytes that will not change. If they are not UTF-8, such as ciphertext, they are cached: most such
 * strings are encoded in the next step.
 */
export function settledText(bytes: Uint8Array): string {
  const text = utf8Text(bytes)
  if (bytes.length <= KEPT_UNITS) latest = { text, bytes }
  return text
}

interface Units {
  readonly units: Uint16Array
  /** The same memory as bytes; null if there are no buffers. */
  readonly view: Buffer | null
}

const KEPT_UNITS = 4096
let kept: Units | undefined

/** A buffer for UTF-16 units, reused for short texts. */
function unitsFor(count: number): Units {
  if (count <= KEPT_UNITS && kept !== undefined) return kept
  const units = new Uint16Array(Math.max(count, KEPT_UNITS))
  const made = { units, view: HAS_BUFFERS ? Buffer.from(units.buffer) : null }
  if (count <= KEPT_UNITS) kept = made
  return made
}

/** In chunks, because the number of call arguments is limited. */
function textOfUnits(units: Uint16Array, length: number): string {
  let text = ''
  for (let at = 0; at < length; at += KEPT_UNITS) {
    text += String.fromCharCode(...units.subarray(at, Math.min(length, at + KEPT_UNITS)))
  }
  return text
}

/** The length of a string in UTF-8 bytes, as `length()` counts it. */
export function utf8Length(text: string): number {
  return text.isWellFormed() ? Buffer.byteLength(text) : utf8Bytes(text).length
}

/** Whether a UTF-16 unit stands for a byte that was not UTF-8. */
export function isBadByte(unit: number): boolean {
  return unit >= BAD_BYTE + 0x80 && unit <= BAD_BYTE + 0xff
}

/** The byte that a lone surrogate stands for. */
export function badByte(unit: number): number {
  return unit - BAD_BYTE
}

/** Text as the original sees it rune by rune: each byte that is not UTF-8 reads as U+FFFD. */
export function withReplacements(text: string): string {
  return text.isWellFormed() ? text : text.toWellFormed()
}

/** Recombines surrogate halves that have met again, so that equal bytes are equal strings. */
export function normalizeText(text: string): string {
  return text.isWellFormed() ? text : utf8Text(utf8Bytes(text))
}

/** Bytes as a Latin-1 string, one unit per byte, for code that counts in bytes. */
export function byteString(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('latin1')
}

/** The same memory as a Buffer. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function isLowSurrogate(unit: number): boolean {
  return unit >= BAD_BYTE && unit <= 0xdfff
}

/** The length of the valid UTF-8 sequence at `at`; 0 if it is invalid (overlong, a surrogate, truncated). */
function runeWidth(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!
  if (first < 0x80) return 1
  if (first < 0xc2 || first > 0xf4) return 0
  const second = bytes[at + 1] ?? 0
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
  if (second < low || second > high) return 0
  if (first < 0xe0) return 2
  if (((bytes[at + 2] ?? 0) & 0xc0) !== 0x80) return 0
  if (first < 0xf0) return 3
  return ((bytes[at + 3] ?? 0) & 0xc0) === 0x80 ? 4 : 0
}
