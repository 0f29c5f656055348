/** The characters allowed in YAML, byte order marks, and the detection of forbidden characters. */
import { utf8Bytes, utf8Text } from '../bytes.ts'

/** A text that is valid up to its end; `fault` is the error for the character that would follow. */
export interface YamlInput {
  readonly text: string
  readonly fault?: string
}

/**
 * Everything but tab, line breaks and printable characters; lone surrogates, which are bytes that are not UTF-8, too.
 */
const FORBIDDEN = /[^\t\n\r -~\u0085\u00a0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u
const BYTE_ORDER_MARK = '\ufeff'
/** One indicates the encoding, another is allowed at the start of the first line. */
const BYTE_ORDER_MARKS = /^\ufeff{1,2}/
/** The original reads blocks of this size, and reports an invalid byte when it reads the block that contains it. */
const BLOCK_BYTES = 512

/** The text without its byte order mark, up to the first forbidden character. */
export function readYamlInput(text: string): YamlInput {
  if (!FORBIDDEN.test(text))
    return { text: text.startsWith(BYTE_ORDER_MARK) ? text.replace(BYTE_ORDER_MARKS, '') : text }
  const bytes = utf8Bytes(text)
  const order = bytes.length < 2 ? 0 : (bytes[0]! << 8) | bytes[1]!
  if (order === 0xfffe || order === 0xfeff) return readUtf16(bytes, order === 0xfffe)
  const start = text.startsWith(BYTE_ORDER_MARK) ? 3 : 0
  const { end, fault } = readBlocks(bytes, start, utf8Character)
  return { text: utf8Text(bytes.subarray(start, end)), fault }
}

function readUtf16(bytes: Uint8Array, isLittleEndian: boolean): YamlInput {
  const { end, fault } = readBlocks(bytes, 2, (source, at) => utf16Character(source, at, isLittleEndian))
  const content = Buffer.from(bytes.subarray(2, end))
  const input = { text: (isLittleEndian ? content : content.swap16()).toString('utf16le') }
  return fault === undefined ? input : { ...input, fault }
}

/** One decoded character, or the error for invalid bytes. */
interface Character {
  readonly width: number
  readonly code: number
  readonly fault?: string
}

/** The end of the last block without an error. */
function readBlocks(
  bytes: Uint8Array,
  start: number,
  read: (bytes: Uint8Array, at: number) => Character,
): { end: number; fault: string | undefined } {
  let blockStart = start
  let blockEnd = BLOCK_BYTES
  let at = start
  while (at < bytes.length) {
    const { width, code, fault } = read(bytes, at)
    if (at + width > Math.min(blockEnd, bytes.length)) {
      blockStart = at
      blockEnd = at + BLOCK_BYTES
    }
    if (fault !== undefined) return { end: blockStart, fault }
    if (!isAllowed(code)) return { end: blockStart, fault: 'control characters are not allowed' }
    at += width
  }
  return { end: at, fault: undefined }
}

function isAllowed(code: number): boolean {
  if (code < 0x7f) return code >= 0x20 || code === 9 || code === 10 || code === 13
  return code === 0x85 || (code >= 0xa0 && code <= 0xfffd) || code >= 0x10000
}

/** Smaller codes of the same length are rejected as overlong encodings. */
const LEAST_CODE = [0, 0, 0x80, 0x800, 0x10000]

function utf8Character(bytes: Uint8Array, at: number): Character {
  const first = bytes[at]!
  const width = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf8 ? 4 : 0
  if (width === 0) return { width: 1, code: 0, fault: 'invalid leading UTF-8 octet' }
  if (at + width > bytes.length) return { width, code: 0, fault: 'incomplete UTF-8 octet sequence' }
  let code = width === 1 ? first : first & (0x7f >> width)
  for (let i = 1; i < width; i++) {
    const next = bytes[at + i]!
    if ((next & 0xc0) !== 0x80) return { width, code, fault: 'invalid trailing UTF-8 octet' }
    code = (code << 6) | (next & 0x3f)
  }
  if (code < LEAST_CODE[width]!) return { width, code, fault: 'invalid length of a UTF-8 sequence' }
  const isCharacter = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)
  return isCharacter ? { width, code } : { width, code, fault: 'invalid Unicode character' }
}

function utf16Character(bytes: Uint8Array, at: number, isLittleEndian: boolean): Character {
  const unit = (from: number): number =>
    isLittleEndian ? bytes[from]! | (bytes[from + 1]! << 8) : (bytes[from]! << 8) | bytes[from + 1]!
  if (at + 2 > bytes.length) return { width: 2, code: 0, fault: 'incomplete UTF-16 character' }
  const high = unit(at)
  if ((high & 0xfc00) === 0xdc00) return { width: 2, code: 0, fault: 'unexpected low surrogate area' }
  if ((high & 0xfc00) !== 0xd800) return { width: 2, code: high }
  if (at + 4 > bytes.length) return { width: 4, code: 0, fault: 'incomplete UTF-16 surrogate pair' }
  const low = unit(at + 2)
  if ((low & 0xfc00) !== 0xdc00) return { width: 4, code: 0, fault: 'expected low surrogate area' }
  return { width: 4, code: 0x10000 + ((high & 0x3ff) << 10) + (low & 0x3ff) }
}
