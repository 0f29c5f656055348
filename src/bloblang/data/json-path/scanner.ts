import { MappingError } from '../../errors.ts'
import { quote } from '../../text/quote.ts'

/** The kind of a token: one of these, or the character itself. */
export type TokenKind = 'EOF' | 'Ident' | 'Int' | 'Float' | 'String' | 'Char' | 'RawString' | (string & {})

/** Compiled on first use, because that is slow. */
let token: RegExp | undefined
const tokenPattern = () =>
  (token ??=
    /[ \t\r\n]*(?:\/\/[^\n]*\n?[ \t\r\n]*|\/\*[^]*?\*\/[ \t\r\n]*)*(?:([\p{L}_][\p{L}_\p{Nd}]*)|(\d+\.\d*(?:[eEpP][+-]?\d*)?|\.\d+(?:[eEpP][+-]?\d*)?|\d+[eEpP][+-]?\d*)|(0[xX][0-9a-fA-F]+|\d+)|("(?:[^"\\\n]|\\.)*"?)|('(?:[^'\\\n]|\\.)*'?)|(`[^`]*`?)|([^])|$)/uy)
const KINDS: readonly TokenKind[] = ['Ident', 'Float', 'Int', 'String', 'Char', 'RawString']

/** Splits an expression into Go tokens. One token can be unread. */
export class Scanner {
  readonly #text: string
  #at = 0
  #start = 0
  #kind: TokenKind = 'EOF'
  #token = ''
  #isGivenBack = false

  constructor(text: string) {
    this.#text = text
  }

  scan(): TokenKind {
    if (this.#isGivenBack) {
      this.#isGivenBack = false
      return this.#kind
    }
    const pattern = tokenPattern()
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text)!
    this.#at = pattern.lastIndex
    const group = match.findIndex((text, at) => at > 0 && text !== undefined)
    this.#token = group < 0 ? '' : match[group]!
    this.#start = this.#at - this.#token.length
    this.#kind = group < 0 ? 'EOF' : (KINDS[group - 1] ?? this.#token)
    return this.#kind
  }

  get token(): string {
    return this.#token
  }

  giveBack(): void {
    this.#isGivenBack = true
  }

  /** The character after the last token; empty at the end. */
  peek(): string {
    return this.#text[this.#at] ?? ''
  }

  skipCharacter(): void {
    this.#at++
  }

  /** `unexpected EOF while scanning operator expected ")"` */
  unexpected(unit: string, ...expected: readonly TokenKind[]): MappingError {
    const names = expected.map(tokenName)
    const wanted = names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)!}`
    return this.fail(
      `unexpected ${tokenName(this.#kind)} while scanning ${unit}${wanted === '' ? '' : ` expected ${wanted}`}`,
    )
  }

  /** An error with the location of the last token. */
  fail(message: string): MappingError {
    const start = this.#text === '' ? ' ' : `:${this.#place(this.#start)} `
    return new MappingError(`parsing error: ${this.#text}\t${start}- ${this.#place(this.#at)} ${message}`)
  }

  /** Line and column, in characters, both from 1. */
  #place(at: number): string {
    const lines = this.#text.slice(0, at).split('\n')
    return `${lines.length}:${[...lines.at(-1)!].length + 1}`
  }
}

function tokenName(kind: TokenKind): string {
  return kind === 'EOF' || KINDS.includes(kind) ? kind : quote(kind)
}
