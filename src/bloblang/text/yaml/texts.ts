/** Scanning of YAML scalars: plain, quoted and block texts, not yet resolved. */
import {
  BACKSLASH,
  BLANK,
  BREAK,
  breakText,
  COLON,
  COLON_MARK,
  DOUBLE_MARK,
  DOUBLE_QUOTE,
  FLOW_INDICATOR,
  HASH,
  hexDigit,
  HYPHEN,
  isBlank,
  isBlankOrEnd,
  isBreak,
  isBreakOrEnd,
  isWideBreak,
  MARKS,
  NUL,
  PLUS,
  scanFault,
  SINGLE_MARK,
  SINGLE_QUOTE,
  SPACE,
  TAB,
  type YamlCursor,
} from './cursor.ts'

const LINE_END = BREAK | NUL
const PLAIN_END = BLANK | LINE_END | COLON_MARK

/**
 * Scans a plain text. It continues over lines with at least this indentation and ends at a colon or hash next to a
 * blank; inside flow collections also at their indicators. Leaves the cursor after the blanks and line breaks that
 * follow.
 */
export function scanPlain(cursor: YamlCursor, indent: number, isInFlow: boolean): string {
  const { text, line: startLine } = cursor
  const ends = isInFlow ? PLAIN_END | FLOW_INDICATOR : PLAIN_END
  let value = ''
  for (;;) {
    const start = cursor.pos
    const end = skipPlainLine(cursor, ends)
    if (end > start) {
      value = value === '' ? text.slice(start, end) : value + text.slice(start, end)
      cursor.isBehindBreak = false
    }
    if (end === start || !isBreak(text.charCodeAt(cursor.pos))) break
    const fold = skipBreaks(cursor, startLine, indent)
    if ((!isInFlow && cursor.column < indent) || cursor.isAtDocumentMark()) break
    const next = text.charCodeAt(cursor.pos)
    if (next === HASH || isPlainEnd(text, cursor.pos, ends)) break
    value += fold
  }
  cursor.require(2)
  return value
}

/** The end of the words on this line; the cursor moves past the blanks that follow. */
function skipPlainLine(cursor: YamlCursor, ends: number): number {
  const { text } = cursor
  let { pos } = cursor
  for (;;) {
    const start = pos
    for (;;) {
      let code = text.charCodeAt(pos)
      while (code < 128 ? (MARKS[code]! & ends) === 0 : !isWideBreak(code)) code = text.charCodeAt(++pos)
      if (code !== COLON || isBlankOrEnd(text.charCodeAt(pos + 1))) break
      pos++
    }
    const end = pos
    while (isBlank(text.charCodeAt(pos))) pos++
    cursor.pos = pos
    const hasMore = pos > end && text.charCodeAt(pos) !== HASH && !isPlainEnd(text, pos, ends)
    if (!hasMore || end === start) return end
  }
}

/** Whether no word of a plain text can start here. */
function isPlainEnd(text: string, pos: number, ends: number): boolean {
  const code = text.charCodeAt(pos)
  if (code === COLON) return isBlankOrEnd(text.charCodeAt(pos + 1))
  return code < 128 ? (MARKS[code]! & ends) !== 0 : isWideBreak(code)
}

/** Skips line breaks and the blanks around them; returns the text that replaces them between two words. */
function skipBreaks(cursor: YamlCursor, startLine: number, indent: number): string {
  const { text } = cursor
  const first = breakText(text.charCodeAt(cursor.pos))
  cursor.skipBreak()
  const others = skipMoreBreaks(cursor, startLine, indent)
  return fold(first, others)
}

/** The line breaks from here on, without the blanks around them; a tab is not allowed as indentation. */
function skipMoreBreaks(cursor: YamlCursor, startLine: number, indent: number): string {
  const { text } = cursor
  let breaks = ''
  for (;;) {
    const code = text.charCodeAt(cursor.pos)
    if (isBlank(code)) {
      if (code === TAB && cursor.column < indent) {
        throw scanFault('found a tab character that violates indentation', startLine, cursor.line)
      }
      cursor.pos++
    } else if (isBreak(code)) {
      breaks += breakText(code)
      cursor.skipBreak()
    } else return breaks
  }
}

/** A single break between words becomes a space; of several, the first is dropped. U+2028 and U+2029 are kept. */
function fold(first: string, others: string): string {
  if (first !== '\n') return first + others
  return others === '' ? ' ' : others
}

/** Scans a quoted text, including both quotes. */
export function scanQuoted(cursor: YamlCursor, quote: typeof SINGLE_QUOTE | typeof DOUBLE_QUOTE): string {
  const { text, line: startLine } = cursor
  const ends = LINE_END | (quote === SINGLE_QUOTE ? SINGLE_MARK : DOUBLE_MARK)
  let value = ''
  let start = ++cursor.pos
  for (;;) {
    let { pos } = cursor
    let code = text.charCodeAt(pos)
    while (code < 128 ? (MARKS[code]! & ends) === 0 : !isWideBreak(code)) code = text.charCodeAt(++pos)
    cursor.pos = pos
    if (code === quote) {
      const piece = text.slice(start, pos)
      cursor.pos++
      if (quote === DOUBLE_QUOTE || text.charCodeAt(cursor.pos) !== quote) return value === '' ? piece : value + piece
      // Two single quotes stand for one.
      value += `${piece}'`
      start = ++cursor.pos
      continue
    }
    if (code === BACKSLASH) {
      value += text.slice(start, pos) + scanEscape(cursor, startLine)
    } else if (code === 0) {
      cursor.require(4)
      throw scanFault('found unexpected end of stream', startLine, cursor.line)
    } else {
      value += text.slice(start, withoutBlanks(text, start, pos)) + skipBreaks(cursor, startLine, 0)
    }
    if (cursor.isAtDocumentMark()) {
      throw scanFault('found unexpected document indicator', startLine, cursor.line)
    }
    cursor.isBehindBreak = false
    start = cursor.pos
  }
}

/** The end of a piece of text without its trailing blanks. */
function withoutBlanks(text: string, start: number, end: number): number {
  let last = end
  while (last > start && isBlank(text.charCodeAt(last - 1))) last--
  return last
}

const ESCAPES = new Map(
  Object.entries({
    0: '\0',
    a: '\x07',
    b: '\b',
    t: '\t',
    '\t': '\t',
    n: '\n',
    v: '\v',
    f: '\f',
    r: '\r',
    e: '\x1b',
    ' ': ' ',
    '"': '"',
    "'": "'",
    '\\': '\\',
    N: '\x85',
    _: '\xa0',
    L: '\u2028',
    P: '\u2029',
  }),
)
const HEX_LENGTHS = new Map([
  ['x', 2],
  ['u', 4],
  ['U', 8],
])

/** The value of an escape in double quotes. An escaped line break joins the lines without a space. */
function scanEscape(cursor: YamlCursor, startLine: number): string {
  const { text } = cursor
  cursor.pos++
  if (isBreak(text.charCodeAt(cursor.pos))) {
    cursor.skipBreak()
    return skipMoreBreaks(cursor, startLine, 0)
  }
  const name = text.charAt(cursor.pos)
  const meaning = ESCAPES.get(name)
  if (meaning !== undefined) {
    cursor.pos++
    return meaning
  }
  const length = HEX_LENGTHS.get(name)
  if (length === undefined) throw scanFault('found unknown escape character', startLine, cursor.line)
  cursor.pos++
  let code = 0
  for (let i = 0; i < length; i++) {
    const digit = hexDigit(text.charCodeAt(cursor.pos + i))
    if (digit < 0) throw scanFault('did not find expected hexdecimal number', startLine, cursor.line)
    code = code * 16 + digit
  }
  if ((code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) {
    throw scanFault('found invalid Unicode character escape code', startLine, cursor.line)
  }
  cursor.pos += length
  return String.fromCodePoint(code)
}

/** Scans a block text: `|` keeps line breaks, `>` folds them; `indent` is that of the enclosing collection. */
export function scanBlock(cursor: YamlCursor, isLiteral: boolean, indent: number): string {
  const { text, line: startLine } = cursor
  cursor.pos++
  const { chomping, increment } = scanBlockHeader(cursor, startLine)
  const block = new BlockLines(cursor, startLine, indent, increment)
  let value = ''
  let lastBreak = ''
  let wasIndented = false
  while (cursor.column === block.indent && text.charCodeAt(cursor.pos) !== 0) {
    const isIndented = isBlank(text.charCodeAt(cursor.pos))
    // Lines with further indentation keep the breaks around them.
    const folds = !isLiteral && !wasIndented && !isIndented && lastBreak === '\n'
    if (!folds) value += lastBreak
    else if (block.breaks === '') value += ' '
    value += block.breaks
    wasIndented = isIndented
    let { pos } = cursor
    let code = text.charCodeAt(pos)
    while (code < 128 ? (MARKS[code]! & LINE_END) === 0 : !isWideBreak(code)) code = text.charCodeAt(++pos)
    value += text.slice(cursor.pos, pos)
    cursor.pos = pos
    cursor.isBehindBreak = false
    lastBreak = ''
    if (code !== 0) {
      lastBreak = breakText(code)
      cursor.skipBreak()
    }
    block.skipBreaks()
  }
  if (text.charCodeAt(cursor.pos) === 0) cursor.require(1)
  if (chomping === HYPHEN) return value
  return chomping === PLUS ? value + lastBreak + block.breaks : value + lastBreak
}

interface BlockHeader {
  /** `+` keeps all trailing line breaks, `-` none; by default one is kept. */
  readonly chomping: typeof PLUS | typeof HYPHEN | undefined
  /** The indentation of the text relative to its surroundings; 0 if its first line determines it. */
  readonly increment: number
}

function scanBlockHeader(cursor: YamlCursor, startLine: number): BlockHeader {
  const { text } = cursor
  let chomping: BlockHeader['chomping']
  let increment = 0
  for (;;) {
    const code = text.charCodeAt(cursor.pos)
    if ((code === PLUS || code === HYPHEN) && chomping === undefined) chomping = code
    else if (code >= 48 && code <= 57 && increment === 0) {
      if (code === 48) throw scanFault('found an indentation indicator equal to 0', startLine, cursor.line)
      increment = code - 48
    } else break
    cursor.pos++
  }
  while (isBlank(text.charCodeAt(cursor.pos))) cursor.pos++
  if (text.charCodeAt(cursor.pos) === HASH) while (!isBreakOrEnd(text.charCodeAt(cursor.pos))) cursor.pos++
  const code = text.charCodeAt(cursor.pos)
  if (!isBreakOrEnd(code)) throw scanFault('did not find expected comment or line break', startLine, cursor.line)
  if (code !== 0) cursor.skipBreak()
  return { chomping, increment }
}

/** The indentation of a block text, and the empty lines before the cursor's line. */
class BlockLines {
  readonly #cursor: YamlCursor
  readonly #startLine: number
  indent: number
  breaks = ''

  constructor(cursor: YamlCursor, startLine: number, parentIndent: number, increment: number) {
    this.#cursor = cursor
    this.#startLine = startLine
    this.indent = increment === 0 ? 0 : Math.max(parentIndent, 0) + increment
    const widest = this.skipBreaks()
    if (this.indent === 0) this.indent = Math.max(widest, parentIndent + 1, 1)
  }

  /** Skips indentation and empty lines; returns the largest indentation. */
  skipBreaks(): number {
    const cursor = this.#cursor
    const { text } = cursor
    const limit = this.indent === 0 ? Number.POSITIVE_INFINITY : this.indent
    let widest = 0
    this.breaks = ''
    for (;;) {
      while (cursor.column < limit && text.charCodeAt(cursor.pos) === SPACE) cursor.pos++
      if (cursor.column > widest) widest = cursor.column
      const code = text.charCodeAt(cursor.pos)
      if (code === TAB && cursor.column < limit) {
        throw scanFault('found a tab character where an indentation space is expected', this.#startLine, cursor.line)
      }
      if (!isBreak(code)) return widest
      this.breaks += breakText(code)
      cursor.skipBreak()
    }
  }
}
