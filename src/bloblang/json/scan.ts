import { MappingError } from '../errors.ts'
import { JsonNumber, setOwn, type Value } from '../value.ts'

/**
 * A JSON parser that keeps what `JSON.parse` loses: the text of numbers, and the original's error texts. It is the slow
 * path; parse.ts knows when the fast one gives the same result.
 */
export class JsonScanner {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** The position after the last value. */
  get position(): number {
    return this.#at
  }

  skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return
      this.#at++
    }
  }

  get atEnd(): boolean {
    return this.#at >= this.#text.length
  }

  /**
   * Reads one value. Throws `MappingError`, or {@link UNEXPECTED_END} if the text ends inside the value. Open arrays
   * and objects are kept in a list, because ten thousand levels would overflow the stack.
   */
  value(): Value {
    const open: Open[] = []
    for (;;) {
      const begun = this.#begin(open)
      if (begun === undefined) continue
      let value = begun
      for (;;) {
        const container = open.at(-1)
        if (container === undefined) return value
        if (container.key === null) container.value.push(value)
        else setOwn(container.value, container.key, value)
        if (!this.#ends(container)) break
        ;({ value } = container)
        open.pop()
      }
    }
  }

  /** Reads a scalar; returns undefined if it opened an array or object. */
  #begin(open: Open[]): Value | undefined {
    this.skipSpace()
    const character = this.#text[this.#at]
    switch (character) {
      case undefined:
        throw UNEXPECTED_END
      case '{':
      case '[':
        return this.#open(character, open)
      case '"':
        return this.#string()
      case 't':
        return this.#word('true', true)
      case 'f':
        return this.#word('false', false)
      case 'n':
        return this.#word('null', null)
      default:
        if (character === '-' || isDigit(character)) return this.#number()
        throw this.#invalid('looking for beginning of value')
    }
  }

  #open(bracket: '{' | '[', open: Open[]): Value | undefined {
    if (open.length >= MAX_DEPTH) throw this.#invalid('exceeded max depth')
    this.#at++
    this.skipSpace()
    if (this.#text[this.#at] === (bracket === '{' ? '}' : ']')) {
      this.#at++
      return bracket === '{' ? {} : []
    }
    open.push(bracket === '{' ? { value: {}, key: this.#key() } : { value: [], key: null })
    return undefined
  }

  /** Whether the array or object is complete; otherwise its next value follows. */
  #ends(container: Open): boolean {
    this.skipSpace()
    const next = this.#text[this.#at]
    if (next === undefined) throw UNEXPECTED_END
    if (next !== ',' && next !== (container.key === null ? ']' : '}')) {
      throw this.#invalid(container.key === null ? 'after array element' : 'after object key:value pair')
    }
    this.#at++
    if (next !== ',') return true
    if (container.key !== null) container.key = this.#key()
    return false
  }

  /** Reads the name of a field and the colon after it. */
  #key(): string {
    this.skipSpace()
    if (this.atEnd) throw UNEXPECTED_END
    if (this.#text[this.#at] !== '"') throw this.#invalid('looking for beginning of object key string')
    const key = this.#string()
    this.skipSpace()
    if (this.atEnd) throw UNEXPECTED_END
    if (this.#text[this.#at] !== ':') throw this.#invalid('after object key')
    this.#at++
    return key
  }

  /** The error for the character at the current position. */
  #invalid(where: string): MappingError {
    return new MappingError(`invalid character ${quoteCharacter(this.#text, this.#at)} ${where}`)
  }

  #string(): string {
    const start = ++this.#at
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (code === 0x22) {
        const plain = this.#text.slice(start, this.#at++)
        return plain.isWellFormed() ? plain : plain.toWellFormed()
      }
      if (code === 0x5c) return this.#escapedString(start)
      this.#stringCharacter(code)
    }
  }

  #stringCharacter(code: number): void {
    if (Number.isNaN(code)) throw UNEXPECTED_END
    if (code < 0x20) throw this.#invalid('in string literal')
    this.#at++
  }

  #escapedString(start: number): string {
    let result = this.#text.slice(start, this.#at)
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (code === 0x22) {
        this.#at++
        return result.toWellFormed()
      }
      if (code === 0x5c) {
        result += this.#escape()
        continue
      }
      this.#stringCharacter(code)
      result += this.#text[this.#at - 1]
    }
  }

  #escape(): string {
    const character = this.#text[++this.#at]
    if (character === undefined) throw UNEXPECTED_END
    if (character !== 'u') {
      const plain = ESCAPES[character]
      if (plain === undefined) throw this.#invalid('in string escape code')
      this.#at++
      return plain
    }
    this.#at++
    const end = this.#at + 4
    for (; this.#at < end; this.#at++) {
      const digit = this.#text[this.#at]
      if (digit === undefined) throw UNEXPECTED_END
      if (!/[0-9a-fA-F]/.test(digit)) throw this.#invalid('in \\u hexadecimal character escape')
    }
    return String.fromCharCode(Number.parseInt(this.#text.slice(end - 4, end), 16))
  }

  #word<T extends Value>(word: string, value: T): T {
    for (let i = 1; i < word.length; i++) {
      this.#at++
      if (this.atEnd) throw UNEXPECTED_END
      if (this.#text[this.#at] !== word[i])
        throw this.#invalid(`in literal ${word} (expecting ${quoteCharacter(word, i)})`)
    }
    this.#at++
    return value
  }

  #number(): Value {
    const start = this.#at
    if (this.#text[this.#at] === '-') this.#at++
    this.#digit('in numeric literal')
    if (this.#text[this.#at - 1] !== '0') this.#digits()
    if (this.#text[this.#at] === '.') {
      this.#at++
      this.#digit('after decimal point in numeric literal')
      this.#digits()
    }
    const exponent = this.#text[this.#at]
    if (exponent === 'e' || exponent === 'E') {
      this.#at++
      const sign = this.#text[this.#at]
      if (sign === '+' || sign === '-') this.#at++
      this.#digit('in exponent of numeric literal')
      this.#digits()
    }
    return numberOfText(this.#text.slice(start, this.#at))
  }

  #digit(where: string): void {
    const character = this.#text[this.#at]
    if (character === undefined) throw UNEXPECTED_END
    if (!isDigit(character)) throw this.#invalid(where)
    this.#at++
  }

  #digits(): void {
    while (isDigit(this.#text[this.#at] ?? '')) this.#at++
  }
}

/** An array, or an object with the name of the field being read. */
type Open = { readonly value: Value[]; readonly key: null } | { readonly value: Record<string, Value>; key: string }

/** Thrown if the text ends inside a value; the callers word it differently. */
export const UNEXPECTED_END = new MappingError('unexpected end of JSON input')

/** A number of a document: a plain `number` if it prints as the same text. */
export function numberOfText(text: string): number | JsonNumber {
  const number = Number(text)
  return String(number) === text ? number : new JsonNumber(text)
}

/** Maximum nesting of arrays and objects; deeper documents are rejected. */
export const MAX_DEPTH = 10_000
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}

function isDigit(character: string): boolean {
  return character >= '0' && character <= '9'
}

/** Quotes a character as the original does: its first byte, as if it were Latin-1. */
export function quoteCharacter(text: string, at: number): string {
  const point = text.codePointAt(at)!
  if (point === 0x27) return String.raw`'\''`
  if (point === 0x22) return `'"'`
  if (point === 0x5c) return String.raw`'\\'`
  const byte = point < 0x80 ? point : point >= 0xdc80 && point <= 0xdcff ? point & 0xff : firstByte(point)
  const short = SHORT_ESCAPES[byte]
  if (short !== undefined) return `'${short}'`
  if (byte < 0x20 || byte === 0x7f) return `'\\x${byte.toString(16).padStart(2, '0')}'`
  if (byte >= 0x80 && byte <= 0xa0) return `'\\u00${byte.toString(16)}'`
  return byte === 0xad ? String.raw`'\u00ad'` : `'${String.fromCharCode(byte)}'`
}

const SHORT_ESCAPES: Readonly<Record<number, string>> = {
  7: '\\a',
  8: '\\b',
  9: '\\t',
  10: '\\n',
  11: '\\v',
  12: '\\f',
  13: '\\r',
}

function firstByte(point: number): number {
  if (point < 0x800) return 0xc0 | (point >> 6)
  return point < 0x10000 ? 0xe0 | (point >> 12) : 0xf0 | (point >> 18)
}
