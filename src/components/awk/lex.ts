/** A syntax error in a program, with its position. */
export class AwkSyntaxError extends Error {
  constructor(message: string, line: number, column: number) {
    super(`parse error at ${line}:${column}: ${message}`)
    this.name = 'AwkSyntaxError'
  }
}

export type TokenKind = 'number' | 'text' | 'name' | 'function' | 'builtin' | 'keyword' | 'symbol' | 'newline' | 'end'

export interface Token {
  readonly kind: TokenKind
  /** For a string, its unescaped content. */
  readonly text: string
  readonly start: number
  /** Whether it is preceded by a blank. */
  readonly isSpaced: boolean
}

const KEYWORDS = new Set(
  'BEGIN END break continue delete do else exit for function func getline if in next nextfile print printf return while'.split(
    ' ',
  ),
)
const BUILTINS = new Set(
  'atan2 close cos exp fflush gsub index int length log match rand sin split sprintf sqrt srand sub substr system tolower toupper'.split(
    ' ',
  ),
)
const TOKEN =
  /([0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?)|([A-Za-z_][A-Za-z0-9_]*)|(\n)|(\*\*=|\*\*|\^=|&&|\|\||\+\+|--|\+=|-=|\*=|\/=|%=|==|!=|<=|>=|>>|!~|[-+*/%^<>=!~?:;,$()[\]{}|&@])/y
const BLANK = /(?:[ \t\r]|\\\r?\n|#[^\n]*)*/y

/**
 * Splits a program into tokens one at a time, because only the parser knows whether a slash is a division or begins a
 * pattern.
 */
export class Lexer {
  readonly #source: string
  #at = 0

  constructor(source: string) {
    this.#source = source
  }

  next(): Token {
    const before = this.#at
    BLANK.lastIndex = before
    BLANK.exec(this.#source)
    const start = BLANK.lastIndex
    const isSpaced = start > before
    this.#at = start
    if (start >= this.#source.length) return { kind: 'end', text: 'EOF', start, isSpaced }
    if (this.#source[start] === '"') return { kind: 'text', text: this.#text(), start, isSpaced }
    TOKEN.lastIndex = start
    const match = TOKEN.exec(this.#source)
    if (match === null) throw this.fault(`unexpected ${JSON.stringify(this.#source[start])}`, start)
    this.#at = TOKEN.lastIndex
    const [text = '', number, name, newline] = match
    if (number !== undefined) return { kind: 'number', text, start, isSpaced }
    if (name !== undefined) return { kind: this.#kindOf(text), text, start, isSpaced }
    if (newline !== undefined) return { kind: 'newline', text: '<newline>', start, isSpaced }
    return { kind: 'symbol', text: text.replace('**', '^'), start, isSpaced }
  }

  /** Reads the pattern whose opening slash is at `start`. */
  regex(start: number): string {
    let source = ''
    for (let at = start + 1; at < this.#source.length; at++) {
      const character = this.#source[at]!
      if (character === '\n') break
      if (character === '/') {
        this.#at = at + 1
        return source
      }
      if (character === '\\' && this.#source[at + 1] !== undefined) {
        at++
        source += this.#source[at] === '/' ? '/' : `\\${this.#source[at]}`
      } else source += character
    }
    throw this.fault("didn't find end slash in regex", start)
  }

  fault(message: string, at: number): AwkSyntaxError {
    const lines = this.#source.slice(0, at).split('\n')
    return new AwkSyntaxError(message, lines.length, lines.at(-1)!.length + 1)
  }

  #kindOf(name: string): TokenKind {
    if (KEYWORDS.has(name)) return 'keyword'
    if (BUILTINS.has(name)) return 'builtin'
    return this.#source[this.#at] === '(' ? 'function' : 'name'
  }

  #text(): string {
    const start = this.#at
    let text = ''
    for (let at = start + 1; at < this.#source.length; at++) {
      const character = this.#source[at]!
      if (character === '\n') break
      if (character === '"') {
        this.#at = at + 1
        return text
      }
      if (character !== '\\') {
        text += character
        continue
      }
      const [escaped, length] = this.#escape(at + 1)
      text += escaped
      at += length
    }
    throw this.fault("didn't find end quote in string", start)
  }

  #escape(at: number): readonly [string, number] {
    const rest = this.#source.slice(at, at + 3)
    const octal = /^[0-7]{1,3}/.exec(rest)
    if (octal !== null) return [String.fromCharCode(Number.parseInt(octal[0], 8) & 0xff), octal[0].length]
    const hex = /^x([0-9a-fA-F]{1,2})/.exec(rest)
    if (hex !== null) return [String.fromCharCode(Number.parseInt(hex[1]!, 16)), hex[0].length]
    const character = rest[0] ?? ''
    if (character === '\n') return ['', 1]
    return [ESCAPES[character] ?? `\\${character}`, 1]
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}
