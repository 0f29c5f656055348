/** Scanning of YAML names: anchors, tags and directives. */
import { utf8Text } from '../bytes.ts'
import {
  DOT,
  HASH,
  hexDigit,
  isBlank,
  isBlankOrEnd,
  isBreakOrEnd,
  isWordCharacter,
  PERCENT,
  scanFault,
  type YamlCursor,
} from './cursor.ts'

const EXCLAMATION = 33
const LESS = 60
const GREATER = 62

/** A tag as written, or a `%TAG` directive: the handle selects the prefix for the rest. */
export interface TagName {
  readonly handle: string
  readonly rest: string
}

/** Scans the name after `&` or `*`. */
export function scanAnchor(cursor: YamlCursor): string {
  cursor.pos++
  const name = scanWord(cursor)
  const next = cursor.text.charCodeAt(cursor.pos)
  if (name === '' || !(isBlankOrEnd(next) || '?:,]}%@`'.includes(String.fromCharCode(next)))) {
    throw fault(cursor, 'did not find expected alphabetic or numeric character')
  }
  return name
}

function scanWord(cursor: YamlCursor): string {
  const { text, pos } = cursor
  while (isWordCharacter(text.charCodeAt(cursor.pos))) cursor.pos++
  return text.slice(pos, cursor.pos)
}

/** An error for one of these constructs, which are all on a single line. */
function fault(cursor: YamlCursor, text: string): ReturnType<typeof scanFault> {
  return scanFault(text, cursor.line, cursor.line)
}

/** `!<verbatim>`, `!local`, `!!standard`, `!handle!rest`, or a lone `!`, which has no handle. */
export function scanTag(cursor: YamlCursor): TagName {
  const { text } = cursor
  const tag = text.charCodeAt(cursor.pos + 1) === LESS ? scanVerbatimTag(cursor) : scanShortTag(cursor)
  if (!isBlankOrEnd(text.charCodeAt(cursor.pos))) {
    throw fault(cursor, 'did not find expected whitespace or line break')
  }
  return tag
}

function scanVerbatimTag(cursor: YamlCursor): TagName {
  cursor.pos += 2
  const rest = scanUri(cursor)
  if (rest === '') throw fault(cursor, 'did not find expected tag URI')
  if (cursor.text.charCodeAt(cursor.pos) !== GREATER) throw fault(cursor, "did not find the expected '>'")
  cursor.pos++
  return { handle: '', rest }
}

function scanShortTag(cursor: YamlCursor): TagName {
  const handle = scanHandle(cursor)
  if (handle.length > 1 && handle.endsWith('!')) {
    const rest = scanUri(cursor)
    if (rest === '') throw fault(cursor, 'did not find expected tag URI')
    return { handle, rest }
  }
  const rest = handle.slice(1) + scanUri(cursor)
  return rest === '' ? { handle: '', rest: '!' } : { handle: '!', rest }
}

function scanHandle(cursor: YamlCursor): string {
  cursor.pos++
  const name = scanWord(cursor)
  if (cursor.text.charCodeAt(cursor.pos) !== EXCLAMATION) return `!${name}`
  cursor.pos++
  return `!${name}!`
}

/**
 * The characters of a tag, with `%` before the two digits of a byte; a sticky regular expression, because tags are
 * short and rare.
 */
const URI = /[\w\-;/?:@&=+$,.!~*'()[\]]*/y

function scanUri(cursor: YamlCursor): string {
  const { text } = cursor
  let uri = ''
  for (;;) {
    URI.lastIndex = cursor.pos
    const piece = URI.exec(text)![0]
    uri += piece
    cursor.pos += piece.length
    if (text.charCodeAt(cursor.pos) !== PERCENT) return uri
    uri += scanUriCharacter(cursor)
  }
}

/** Decodes one character from its UTF-8 bytes, each written as `%` and two digits. */
function scanUriCharacter(cursor: YamlCursor): string {
  const bytes = [scanUriByte(cursor)]
  const first = bytes[0]!
  const width = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf8 ? 4 : 0
  if (width === 0) throw fault(cursor, 'found an incorrect leading UTF-8 octet')
  while (bytes.length < width) {
    const byte = scanUriByte(cursor)
    if ((byte & 0xc0) !== 0x80) throw fault(cursor, 'found an incorrect trailing UTF-8 octet')
    bytes.push(byte)
  }
  return utf8Text(Uint8Array.from(bytes))
}

function scanUriByte(cursor: YamlCursor): number {
  const { text, pos } = cursor
  const high = hexDigit(text.charCodeAt(pos + 1))
  const low = hexDigit(text.charCodeAt(pos + 2))
  if (text.charCodeAt(pos) !== PERCENT || high < 0 || low < 0) throw fault(cursor, 'did not find URI escaped octet')
  cursor.pos += 3
  return high * 16 + low
}

/** The version of a `%YAML` directive, or the content of a `%TAG` directive. */
export type Directive = string | TagName

/** Scans a line that starts with `%`. */
export function scanDirective(cursor: YamlCursor): Directive {
  const { text } = cursor
  cursor.pos++
  const name = scanWord(cursor)
  if (name === '') throw fault(cursor, 'could not find expected directive name')
  if (!isBlankOrEnd(text.charCodeAt(cursor.pos))) throw fault(cursor, 'found unexpected non-alphabetical character')
  if (name !== 'YAML' && name !== 'TAG') throw fault(cursor, 'found unknown directive name')
  const directive = name === 'YAML' ? scanVersion(cursor) : scanTagDirective(cursor)
  skipBlanks(cursor)
  if (text.charCodeAt(cursor.pos) === HASH) while (!isBreakOrEnd(text.charCodeAt(cursor.pos))) cursor.pos++
  if (!isBreakOrEnd(text.charCodeAt(cursor.pos))) throw fault(cursor, 'did not find expected comment or line break')
  if (text.charCodeAt(cursor.pos) !== 0) cursor.skipBreak()
  return directive
}

function skipBlanks(cursor: YamlCursor): void {
  while (isBlank(cursor.text.charCodeAt(cursor.pos))) cursor.pos++
}

function scanVersion(cursor: YamlCursor): string {
  skipBlanks(cursor)
  const major = scanVersionNumber(cursor)
  if (cursor.text.charCodeAt(cursor.pos) !== DOT) {
    throw fault(cursor, "did not find expected digit or '.' character")
  }
  cursor.pos++
  return `${major}.${scanVersionNumber(cursor)}`
}

function scanVersionNumber(cursor: YamlCursor): number {
  const { text, pos } = cursor
  let number = 0
  for (;;) {
    const digit = text.charCodeAt(cursor.pos) - 48
    if (!(digit >= 0 && digit <= 9)) break
    if (cursor.pos - pos === 2) throw fault(cursor, 'found extremely long version number')
    number = number * 10 + digit
    cursor.pos++
  }
  if (cursor.pos === pos) throw fault(cursor, 'did not find expected version number')
  return number
}

function scanTagDirective(cursor: YamlCursor): TagName {
  const { text } = cursor
  skipBlanks(cursor)
  if (text.charCodeAt(cursor.pos) !== EXCLAMATION) throw fault(cursor, "did not find expected '!'")
  const handle = scanHandle(cursor)
  if (!handle.endsWith('!')) throw fault(cursor, "did not find expected '!'")
  if (!isBlank(text.charCodeAt(cursor.pos))) throw fault(cursor, 'did not find expected whitespace')
  skipBlanks(cursor)
  const rest = scanUri(cursor)
  if (rest === '') throw fault(cursor, 'did not find expected tag URI')
  if (!isBlankOrEnd(text.charCodeAt(cursor.pos))) {
    throw fault(cursor, 'did not find expected whitespace or line break')
  }
  return { handle, rest }
}
