/**
 * Tokenizes YAML. Two things make this more than splitting the text. Indentation starts and ends blocks, which have
 * their own tokens. And a key is only recognized by the colon after it, so its token is inserted before it: tokens wait
 * in a queue as long as the one at its head might still be a key.
 */
import {
  COLON,
  CR,
  DOT,
  DOUBLE_QUOTE,
  HASH,
  HYPHEN,
  isBlank,
  isBlankOrEnd,
  isBreak,
  isBreakOrEnd,
  LF,
  PERCENT,
  scanFault,
  SINGLE_QUOTE,
  SPACE,
  TAB,
  type YamlCursor,
} from './cursor.ts'
import { scanAnchor, scanDirective, scanTag, type TagName } from './names.ts'
import { scanBlock, scanPlain, scanQuoted } from './texts.ts'

/** The kind of a token, named as in the YAML specification. */
export type TokenKind =
  | 'stream end'
  | 'version directive'
  | 'tag directive'
  | 'document start'
  | 'document end'
  | 'block sequence start'
  | 'block mapping start'
  | 'block end'
  | 'block entry'
  | 'flow sequence start'
  | 'flow sequence end'
  | 'flow mapping start'
  | 'flow mapping end'
  | 'flow entry'
  | 'key'
  | 'value'
  | 'alias'
  | 'anchor'
  | 'tag'
  | 'plain text'
  | 'quoted text'

/** A token. */
export interface Token {
  readonly kind: TokenKind
  /** Counted from zero. */
  readonly line: number
  /** The text of a scalar, the name of an anchor or alias, or the version of a directive. */
  readonly text: string
  readonly tag: TagName | undefined
  /** The flow level of the possible key that starts with this token; -1 if there is none. */
  keyLevel: number
}

/** A candidate that becomes a key if a colon follows; there is at most one per flow level. */
interface PossibleKey {
  isPossible: boolean
  /** Set if nothing but a key is allowed at the indentation of the block. */
  isRequired: boolean
  /** The number of its first token, counted from the start of the text. */
  token: number
  pos: number
  line: number
  column: number
}

const MAX_DEPTH = 10_000
const MAX_KEY_LENGTH = 1024
/** How far the original looks for the next line of a comment. */
const COMMENT_WINDOW = 512
/** The original reads this many tokens ahead of the current one, and may fail there. */
const LOOKAHEAD = 2
/** How many consumed tokens stay in the queue before it is compacted. */
const TAKEN_KEPT = 64

/** Splits a text into tokens on demand. */
export class YamlScanner {
  readonly #cursor: YamlCursor
  #tokens: Token[] = []
  #head = 0
  /** Number of tokens consumed. */
  #taken = 0
  #isHeadReady = false
  #flowLevel = 0
  /** The indentation of the innermost block; those of the enclosing blocks are stacked. */
  #indent = -1
  readonly #indents: number[] = []
  /** By flow level. */
  readonly #keys: PossibleKey[] = [noKey()]
  /** Whether a key may start here. */
  #allowsKey = true

  constructor(cursor: YamlCursor) {
    this.#cursor = cursor
  }

  /** The next token, without consuming it. */
  peek(): Token {
    if (!this.#isHeadReady) this.#fill()
    return this.#tokens[this.#head]!
  }

  /** Consumes the token returned by `peek`. */
  skip(): void {
    this.#isHeadReady = false
    this.#taken++
    if (++this.#head < TAKEN_KEPT) return
    this.#tokens = this.#tokens.slice(this.#head)
    this.#head = 0
  }

  /** Scans until it is certain that no key token belongs before the head. */
  #fill(): void {
    while (this.#tokens.length - this.#head <= LOOKAHEAD || this.#isPossibleKey(this.#tokens[this.#head]!)) {
      this.#scanToken()
    }
    this.#isHeadReady = true
  }

  #isPossibleKey({ keyLevel }: Token): boolean {
    const key = keyLevel < 0 ? undefined : this.#keys[keyLevel]
    return key !== undefined && this.#isValidKey(key)
  }

  #push(kind: TokenKind, line: number, text = '', tag?: TagName): void {
    this.#tokens.push({ kind, line, text, tag, keyLevel: -1 })
  }

  /** Inserts a token at the place of the one with this number. */
  #insert(number: number, token: Token): void {
    const tokens = this.#tokens
    tokens.push(token)
    const index = number - this.#taken + this.#head
    if (index < this.#head) return
    for (let i = tokens.length - 1; i > index; i--) tokens[i] = tokens[i - 1]!
    tokens[index] = token
  }

  #nextNumber(): number {
    return this.#taken + this.#tokens.length - this.#head
  }

  #scanToken(): void {
    const cursor = this.#cursor
    this.#skipToToken()
    this.#endBlocks(cursor.column)
    cursor.require(4)
    const { text, pos } = cursor
    const code = text.charCodeAt(pos)
    if (code === 0) return this.#endStream()
    if (pos === cursor.lineStart) {
      if (code === PERCENT) return this.#scanDirective()
      if ((code === HYPHEN || code === DOT) && cursor.isAtDocumentMark()) return this.#scanDocumentMark(code)
    }
    cursor.isBehindBreak = false
    this.#scanContent(code)
    // Content after a hyphen is scanned as if it started the line.
    if (!cursor.isBehindBreak && code !== HYPHEN) this.#skipLineComment()
  }

  #scanContent(code: number): void {
    const isInFlow = this.#flowLevel > 0
    switch (code) {
      case 91: // [
        return this.#startFlow('flow sequence start')
      case 123: // {
        return this.#startFlow('flow mapping start')
      case 93: // ]
        return this.#endFlow('flow sequence end')
      case 125: // }
        return this.#endFlow('flow mapping end')
      case 44: // ,
        return this.#scanFlowEntry()
      case HYPHEN:
        return this.#isFollowedByBlank() ? this.#scanBlockEntry() : this.#scanPlain()
      case 63: // ?
        return isInFlow || this.#isFollowedByBlank() ? this.#scanKey() : this.#scanPlain()
      case COLON:
        return isInFlow || this.#isFollowedByBlank() ? this.#scanValue() : this.#scanPlain()
      case 42: // *
        return this.#scanAnchor('alias')
      case 38: // &
        return this.#scanAnchor('anchor')
      case 33: // !
        return this.#scanTag()
      case SINGLE_QUOTE:
      case DOUBLE_QUOTE:
        return this.#scanQuoted(code)
      case 124: // |
      case 62: // >
        if (isInFlow) break
        return this.#scanBlock(code === 124)
      case TAB:
      case PERCENT:
      case 64: // @
      case 96: // `
        break
      default:
        return this.#scanPlain()
    }
    const { line } = this.#cursor
    throw scanFault('found character that cannot start any token', line, line)
  }

  #isFollowedByBlank(): boolean {
    return isBlankOrEnd(this.#cursor.text.charCodeAt(this.#cursor.pos + 1))
  }

  /** Skips blanks, line breaks and comments. Where a key may start, a tab would be indentation, which is an error. */
  #skipToToken(): void {
    const cursor = this.#cursor
    const { text } = cursor
    for (;;) {
      let code = text.charCodeAt(cursor.pos)
      while (code === SPACE || (code === TAB && (this.#flowLevel > 0 || !this.#allowsKey))) {
        code = text.charCodeAt(++cursor.pos)
      }
      if (code === HASH) {
        this.#skipComments()
        code = text.charCodeAt(cursor.pos)
      }
      if (!isBreak(code)) return
      cursor.skipBreak()
      if (this.#flowLevel === 0) this.#allowsKey = true
    }
  }

  /** Skips a comment and those on the following lines, before which even tabs are allowed. */
  #skipComments(): void {
    const cursor = this.#cursor
    const { text } = cursor
    for (;;) {
      while (!isBreakOrEnd(text.charCodeAt(cursor.pos))) cursor.pos++
      let next = cursor.pos
      while (next - cursor.pos < COMMENT_WINDOW && isNarrowSpace(text.charCodeAt(next))) next++
      if (text.charCodeAt(next) !== HASH || next - cursor.pos >= COMMENT_WINDOW) return
      while (cursor.pos < next) {
        if (isBreak(text.charCodeAt(cursor.pos))) cursor.skipBreak()
        else cursor.pos++
      }
    }
  }

  /** Skips a comment after a token, if there is one; tabs are allowed here too. */
  #skipLineComment(): void {
    const cursor = this.#cursor
    const { text } = cursor
    let next = cursor.pos
    while (isBlank(text.charCodeAt(next))) next++
    if (text.charCodeAt(next) !== HASH || next - cursor.pos >= COMMENT_WINDOW) return
    while (!isBreakOrEnd(text.charCodeAt(next))) next++
    cursor.pos = next
  }

  /** Starts a block at a column if it is indented further than the enclosing one; its token is inserted at `number`. */
  #beginBlock(kind: TokenKind, column: number, number: number, line: number): void {
    if (this.#flowLevel > 0 || this.#indent >= column) return
    this.#indents.push(this.#indent)
    this.#indent = column
    if (this.#indents.length > MAX_DEPTH) {
      throw scanFault(`exceeded max depth of ${MAX_DEPTH}`, this.#keys[0]!.line, this.#cursor.line)
    }
    this.#insert(number, { kind, line, text: '', tag: undefined, keyLevel: -1 })
  }

  /** Ends the blocks that are indented further than this column. */
  #endBlocks(column: number): void {
    if (this.#flowLevel > 0) return
    while (this.#indent > column) {
      this.#push('block end', this.#cursor.line)
      this.#indent = this.#indents.pop()!
    }
  }

  /** Records that a key may start here; returns the level for its first token, or -1 if no key is possible. */
  #noteKey(): number {
    if (!this.#allowsKey) return -1
    const cursor = this.#cursor
    const level = this.#flowLevel
    this.#dropKey()
    const key = this.#keys[level]!
    key.isPossible = true
    key.isRequired = level === 0 && this.#indent === cursor.column
    key.token = this.#nextNumber()
    key.pos = cursor.pos
    key.line = cursor.line
    key.column = cursor.column
    return level
  }

  /** Drops the possible key of this flow level, because no colon followed. */
  #dropKey(): void {
    const key = this.#keys[this.#flowLevel]!
    if (!key.isPossible) return
    this.#refuseRequired(key)
    key.isPossible = false
    this.#unmark(key)
  }

  /** The first token of a key no longer waits for a colon. */
  #unmark(key: PossibleKey): void {
    const index = key.token - this.#taken + this.#head
    if (index < this.#head) return
    const token = this.#tokens[index]
    if (token !== undefined) token.keyLevel = -1
  }

  #refuseRequired(key: PossibleKey): void {
    if (key.isRequired) throw scanFault("could not find expected ':'", key.line, this.#cursor.line)
  }

  /** Whether a colon here would complete the key: it must be on the same line and not too long. */
  #isValidKey(key: PossibleKey): boolean {
    if (!key.isPossible) return false
    if (key.line === this.#cursor.line && !this.#isTooLong(key)) return true
    this.#refuseRequired(key)
    key.isPossible = false
    return false
  }

  #isTooLong({ pos }: PossibleKey): boolean {
    const end = this.#cursor.pos
    if (end - pos <= MAX_KEY_LENGTH) return false
    // The limit counts characters, some of which are two units here.
    let length = end - pos
    for (const _ of this.#cursor.text.slice(pos, end).matchAll(/[\ud800-\udbff]/g)) length--
    return length > MAX_KEY_LENGTH
  }

  #endStream(): void {
    const cursor = this.#cursor
    if (cursor.column !== 0) {
      cursor.line++
      cursor.lineStart = cursor.pos
    }
    this.#endBlocks(-1)
    this.#dropKey()
    this.#allowsKey = false
    this.#push('stream end', cursor.line)
  }

  #scanDirective(): void {
    const { line } = this.#cursor
    this.#endBlocks(-1)
    this.#dropKey()
    this.#allowsKey = false
    const directive = scanDirective(this.#cursor)
    if (typeof directive === 'string') this.#push('version directive', line, directive)
    else this.#push('tag directive', line, '', directive)
  }

  #scanDocumentMark(code: number): void {
    this.#endBlocks(-1)
    this.#dropKey()
    this.#allowsKey = false
    this.#push(code === HYPHEN ? 'document start' : 'document end', this.#cursor.line)
    this.#cursor.pos += 3
  }

  #startFlow(kind: TokenKind): void {
    const { line } = this.#cursor
    const keyLevel = this.#noteKey()
    const key = (this.#keys[++this.#flowLevel] ??= noKey())
    key.isPossible = false
    key.token = this.#nextNumber()
    if (this.#flowLevel > MAX_DEPTH) throw scanFault(`exceeded max depth of ${MAX_DEPTH}`, line, line)
    this.#allowsKey = true
    this.#cursor.pos++
    this.#tokens.push({ kind, line, text: '', tag: undefined, keyLevel })
  }

  #endFlow(kind: TokenKind): void {
    this.#dropKey()
    if (this.#flowLevel > 0) {
      // For an empty collection this is the key that the collection itself might be: the original drops it here.
      this.#unmark(this.#keys[this.#flowLevel]!)
      this.#flowLevel--
    }
    this.#allowsKey = false
    this.#push(kind, this.#cursor.line)
    this.#cursor.pos++
  }

  #scanFlowEntry(): void {
    this.#dropKey()
    this.#allowsKey = true
    this.#push('flow entry', this.#cursor.line)
    this.#cursor.pos++
  }

  #scanBlockEntry(): void {
    const cursor = this.#cursor
    // A hyphen in a flow collection is an error too, but a structural one.
    if (this.#flowLevel === 0) {
      if (!this.#allowsKey) {
        throw scanFault('block sequence entries are not allowed in this context', cursor.line, cursor.line)
      }
      this.#beginBlock('block sequence start', cursor.column, this.#nextNumber(), cursor.line)
    }
    this.#dropKey()
    this.#allowsKey = true
    this.#push('block entry', cursor.line)
    cursor.pos++
  }

  #scanKey(): void {
    const cursor = this.#cursor
    if (this.#flowLevel === 0) {
      if (!this.#allowsKey) {
        throw scanFault('mapping keys are not allowed in this context', cursor.line, cursor.line)
      }
      this.#beginBlock('block mapping start', cursor.column, this.#nextNumber(), cursor.line)
    }
    this.#dropKey()
    this.#allowsKey = this.#flowLevel === 0
    this.#push('key', cursor.line)
    cursor.pos++
  }

  #scanValue(): void {
    const cursor = this.#cursor
    const key = this.#keys[this.#flowLevel]!
    if (this.#isValidKey(key)) {
      this.#unmark(key)
      this.#insert(key.token, { kind: 'key', line: key.line, text: '', tag: undefined, keyLevel: -1 })
      this.#beginBlock('block mapping start', key.column, key.token, key.line)
      key.isPossible = false
      this.#allowsKey = false
    } else {
      if (this.#flowLevel === 0) {
        if (!this.#allowsKey) {
          throw scanFault('mapping values are not allowed in this context', cursor.line, cursor.line)
        }
        this.#beginBlock('block mapping start', cursor.column, this.#nextNumber(), cursor.line)
      }
      this.#allowsKey = this.#flowLevel === 0
    }
    this.#push('value', cursor.line)
    cursor.pos++
  }

  #scanAnchor(kind: 'alias' | 'anchor'): void {
    const { line } = this.#cursor
    const keyLevel = this.#noteKey()
    this.#allowsKey = false
    this.#tokens.push({ kind, line, text: scanAnchor(this.#cursor), tag: undefined, keyLevel })
  }

  #scanTag(): void {
    const { line } = this.#cursor
    const keyLevel = this.#noteKey()
    this.#allowsKey = false
    this.#tokens.push({ kind: 'tag', line, text: '', tag: scanTag(this.#cursor), keyLevel })
  }

  #scanBlock(isLiteral: boolean): void {
    const { line } = this.#cursor
    this.#dropKey()
    this.#allowsKey = true
    this.#push('quoted text', line, scanBlock(this.#cursor, isLiteral, this.#indent))
  }

  #scanQuoted(quote: typeof SINGLE_QUOTE | typeof DOUBLE_QUOTE): void {
    const { line } = this.#cursor
    const keyLevel = this.#noteKey()
    this.#allowsKey = false
    const text = scanQuoted(this.#cursor, quote)
    this.#tokens.push({ kind: 'quoted text', line, text, tag: undefined, keyLevel })
  }

  #scanPlain(): void {
    const cursor = this.#cursor
    const { line } = cursor
    const keyLevel = this.#noteKey()
    this.#allowsKey = false
    const text = scanPlain(cursor, this.#indent + 1, this.#flowLevel > 0)
    this.#tokens.push({ kind: 'plain text', line, text, tag: undefined, keyLevel })
    if (cursor.isBehindBreak) this.#allowsKey = true
  }
}

function isNarrowSpace(code: number): boolean {
  return isBlank(code) || code === LF || code === CR
}

function noKey(): PossibleKey {
  return { isPossible: false, isRequired: false, token: 0, pos: 0, line: 0, column: 0 }
}
