import { MAX_INT64 } from '../data/parse-number.ts'
import { Fault, fatal, further } from './fault.ts'
import { unquote } from './unquote.ts'

/**
 * A position in a text, with elementary parsers. Each either returns what it parsed and advances the position, or
 * returns a `Fault` and leaves the position unchanged.
 */
export class Reader {
  readonly text: string
  at: number

  constructor(text: string, at = 0) {
    this.text = text
    this.at = at
  }

  get atEnd(): boolean {
    return this.at >= this.text.length
  }

  /** Parses exactly this text. */
  term(term: string): string | Fault {
    if (!this.text.startsWith(term, this.at)) return new Fault(this.at, [term])
    this.at += term.length
    return term
  }

  /** Parses one or more spaces and tabs. */
  blank(): string | Fault {
    const start = this.at
    this.skipBlank()
    return this.at === start ? new Fault(start, ['whitespace']) : ' '
  }

  skipBlank(): void {
    while (this.text[this.at] === ' ' || this.text[this.at] === '\t') this.at++
  }

  /** Skips white space, line breaks and comments; a comment without a line break after it is not skipped. */
  skipSpace(): void {
    for (;;) {
      this.skipBlank()
      if (this.lineBreak() instanceof Fault) return
    }
  }

  /** Parses the end of a line, including a comment before it. */
  lineBreak(): string | Fault {
    const { text, at } = this
    if (text[at] === '#') {
      const end = text.indexOf('\n', at)
      if (end === -1) return new Fault(text.length, ['line break'])
      this.at = end + 1
      return '\n'
    }
    const end = text[at] === '\r' ? at + 1 : at
    if (text[end] !== '\n') return new Fault(end, ['line break'])
    this.at = end + 1
    return '\n'
  }

  /** Parses letters, digits and underscores. */
  name(): string | Fault {
    return this.#run(NAME, ['range(a - z)', 'range(A - Z)', 'range(0 - 9)', '_'])
  }

  /** Parses lower-case letters, digits and underscores. */
  snakeCase(): string | Fault {
    return this.#run(SNAKE, ['snake-case'])
  }

  #run(pattern: RegExp, expected: readonly string[]): string | Fault {
    pattern.lastIndex = this.at
    const match = pattern.exec(this.text)
    if (match === null) return new Fault(this.at, expected)
    this.at = pattern.lastIndex
    return match[0]
  }

  /** Parses a string in double quotes with Go's escapes. */
  quoted(): string | Fault {
    const { text, at: start } = this
    if (text[start] !== '"') return new Fault(start, ['quoted string'])
    let end = start + 1
    for (; end < text.length && text[end] !== '"'; end++) {
      if (text[end] === '\\') end++
    }
    if (end >= text.length) return new Fault(text.length, ['end quote'], 'required')
    const value = unquote(text.slice(start, end + 1))
    if (value === null) return fatal(start, 'failed to unescape quoted string contents: invalid syntax')
    this.at = end + 1
    return value
  }

  /** Parses a raw string in triple double quotes. */
  tripleQuoted(): string | Fault {
    const { text, at: start } = this
    if (!text.startsWith('"""', start) || text.length < start + 6) return new Fault(start, ['quoted string'])
    const end = text.indexOf('"""', start + 3)
    if (end === -1) return new Fault(text.length, ['end triple-quote'], 'required')
    this.at = end + 3
    return text.slice(start + 3, end)
  }

  /** Parses digits with an optional fraction; no exponent. */
  number(): { readonly whole: bigint } | { readonly float: number } | Fault {
    const start = this.at
    const match = matchAt(NUMBER, this.text, start)
    if (match === null) return new Fault(this.text[start] === '-' ? start + 1 : start, ['number'])
    const [text = '', sign = '', digits = '', fraction] = match
    const negative = sign === '-'
    if (fraction !== undefined) {
      const float = Number(digits + fraction)
      if (!Number.isFinite(float)) {
        const shown = digits + fraction
        return fatal(
          start,
          `failed to parse '${shown}' as float: strconv.ParseFloat: parsing "${shown}": value out of range`,
        )
      }
      this.at = start + text.length
      return { float: negative ? -float : float }
    }
    const whole = digits.length > 40 && !/^0*\d{1,20}$/.test(digits) ? MAX_INT64 + 1n : BigInt(digits)
    if (whole > MAX_INT64) {
      return fatal(
        start,
        `failed to parse '${digits}' as integer: strconv.ParseInt: parsing "${digits}": value out of range`,
      )
    }
    this.at = start + text.length
    return { whole: negative ? -whole : whole }
  }

  /** The result of the first alternative that succeeds, otherwise the fault of the one that got furthest. */
  oneOf<T>(attempts: readonly (() => T | Fault)[]): T | Fault {
    const start = this.at
    let best: Fault | null = null
    for (const attempt of attempts) {
      this.at = start
      const result = attempt()
      if (!(result instanceof Fault)) return result
      if (result.fatal !== null) return result
      best = further(best, result)
    }
    this.at = start
    return best!
  }
}

const NAME = /[A-Za-z0-9_]+/y
const SNAKE = /[a-z0-9_]+/y
const NUMBER = /(-?)([0-9]+)(\.[0-9]+)?/y

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at
  return pattern.exec(text)
}
