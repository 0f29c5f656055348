import { Buffer, isUtf8 } from 'node:buffer'
import { MAX_DEPTH, ProtobufError } from './limits.ts'

export type JsonKind = 'object' | 'array' | 'string' | 'number' | 'true' | 'false' | 'null' | 'other'

const KINDS: readonly JsonKind[] = Array.from({ length: 256 }, (_, code) => {
  const char = String.fromCharCode(code)
  if (char === '{') return 'object'
  if (char === '[') return 'array'
  if (char === '"') return 'string'
  if (char === 't') return 'true'
  if (char === 'f') return 'false'
  if (char === 'n') return 'null'
  return char === '-' || (char >= '0' && char <= '9') ? 'number' : 'other'
})

const QUOTE = 34
const COMMA = 44
const COLON = 58
const BACKSLASH = 92
const CLOSE_ARRAY = 93
const OPEN_OBJECT = 123
const CLOSE_OBJECT = 125

/**
 * Reads a JSON document in place; each method starts after white space. Errors are those of protojson, with a position.
 */
export class JsonReader {
  input: Uint8Array = new Uint8Array(0)
  at = 0
  /** Start and end of the most recently read string's content, and whether it contains escapes. */
  start = 0
  end = 0
  isEscaped = false

  use(input: Uint8Array): void {
    this.input = input
    this.at = 0
    this.space()
  }

  space(): void {
    const { input } = this
    for (;;) {
      const byte = input[this.at]
      if (byte !== 32 && byte !== 10 && byte !== 13 && byte !== 9) return
      this.at++
    }
  }

  get kind(): JsonKind {
    return this.at < this.input.length ? KINDS[this.input[this.at]!]! : 'other'
  }

  /** Checks that nothing follows. */
  finish(): void {
    if (this.at < this.input.length) this.unexpected()
  }

  /** Begins an object; returns true if it has a member, whose name comes next. */
  openObject(): boolean {
    if (this.input[this.at] !== OPEN_OBJECT) {
      if (Buffer.from(this.input).toString().trim() === '') this.#syntax(this.at, 'unexpected token ')
      this.unexpected()
    }
    this.at++
    this.space()
    if (this.input[this.at] !== CLOSE_OBJECT) return true
    this.at++
    this.space()
    return false
  }

  /** To be called after a member of an object; returns true if another one follows. */
  nextMember(): boolean {
    const byte = this.input[this.at]
    if (byte !== COMMA && byte !== CLOSE_OBJECT) this.unexpected()
    this.at++
    this.space()
    return byte === COMMA
  }

  /** Reads the name of a member into `start` and `end`; returns the position of its opening quote. */
  name(): number {
    const place = this.at
    if (this.input[place] !== QUOTE) this.unexpected()
    this.string()
    if (this.at >= this.input.length) throw ended()
    if (this.input[this.at] !== COLON) {
      this.#syntax(this.at, `unexpected character ${this.#charAt(this.at)}, missing ":" after field name`)
    }
    this.at++
    this.space()
    return place
  }

  openArray(): boolean {
    this.at++
    this.space()
    if (this.input[this.at] !== CLOSE_ARRAY) return true
    this.at++
    this.space()
    return false
  }

  nextElement(): boolean {
    const byte = this.input[this.at]
    if (byte !== COMMA && byte !== CLOSE_ARRAY) this.unexpected()
    this.at++
    this.space()
    return byte === COMMA
  }

  /** Reads a string into `start` and `end`. */
  string(): void {
    const { input } = this
    const place = this.at
    let at = place + 1
    let bits = 0
    this.start = at
    this.isEscaped = false
    for (; at < input.length; at++) {
      const byte = input[at]!
      if (byte === QUOTE) break
      if (byte === BACKSLASH) {
        this.isEscaped = true
        at++
      } else if (byte < 32) this.#syntax(place, `invalid character ${quotedChar(byte)} in string`)
      bits |= byte
    }
    if (at >= input.length) throw ended()
    if (bits >= 128 && !isUtf8(input.subarray(this.start, at))) this.#syntax(place, 'invalid UTF-8 in string')
    this.end = at
    this.at = at + 1
    if (this.isEscaped) this.#checkEscapes(place)
    this.space()
  }

  #checkEscapes(place: number): void {
    const text = this.#latin1(this.start, this.end)
    for (const [escape] of text.matchAll(/\\(?:u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|u.{0,4}|[^])/g)) {
      if (escape.length === 12) continue
      const isValid = /^\\(?:["\\/bfnrt]|u(?![dD][89a-fA-F])[\da-fA-F]{4})$/.test(escape)
      if (!isValid) this.#syntax(place, `invalid escape code ${JSON.stringify(escape)} in string`)
    }
  }

  /** The most recently read string. */
  text(): string {
    const raw = this.textBetween(this.start, this.end)
    return this.isEscaped ? String(JSON.parse(`"${raw}"`)) : raw
  }

  textBetween(start: number, end: number): string {
    return Buffer.from(this.input.buffer, this.input.byteOffset + start, end - start).toString('utf8')
  }

  /** Reads a number and returns its text. */
  number(): string {
    const place = this.at
    let at = place
    const { input } = this
    while (at < input.length && isWord(input[at]!)) at++
    const text = this.#latin1(place, at)
    if (!/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text)) this.invalid()
    this.at = at
    this.space()
    return text
  }

  /** Reads `true`, `false` or `null`. */
  word(text: 'true' | 'false' | 'null'): void {
    const end = this.at + text.length
    if (this.#latin1(this.at, end) !== text || (end < this.input.length && isWord(this.input[end]!))) this.invalid()
    this.at = end
    this.space()
  }

  /** Skips any value. */
  skip(depth: number): void {
    if (depth > MAX_DEPTH) throw new ProtobufError('exceeded max recursion depth')
    const { kind } = this
    switch (kind) {
      case 'object':
        for (let more = this.openObject(); more; more = this.nextMember()) {
          this.name()
          this.skip(depth + 1)
        }
        return
      case 'array':
        for (let more = this.openArray(); more; more = this.nextElement()) this.skip(depth + 1)
        return
      case 'string':
        this.string()
        return
      case 'number':
        this.number()
        return
      case 'other':
        this.unexpected()
        break
      default:
        this.word(kind)
    }
  }

  /** The text of the value or token at a position. */
  rawAt(place: number): string {
    const { input } = this
    let end = place + 1
    if (input[place] === QUOTE) {
      while (end < input.length && input[end] !== QUOTE) end += input[end] === BACKSLASH ? 2 : 1
      end++
    } else if (isWord(input[place]!)) while (end < input.length && isWord(input[end]!)) end++
    return Buffer.from(input.subarray(place, end)).toString('utf8')
  }

  /** Throws an error about the unexpected token at the current position. */
  unexpected(): never {
    if (this.at >= this.input.length) throw ended()
    const { kind, at } = this
    if (kind === 'other' && !SIGNS.has(this.input[at]!)) this.invalid()
    if (kind !== 'object' && kind !== 'array' && kind !== 'other') {
      this.skip(0)
      this.at = at
    }
    this.#syntax(at, `unexpected token ${this.rawAt(at)}`)
  }

  invalid(): never {
    const text = Buffer.from(this.input.subarray(this.at, this.at + 64)).toString('utf8')
    this.#syntax(this.at, `invalid value ${/^(?:[-+._a-zA-Z0-9]{1,32}|[^])/u.exec(text)?.[0] ?? ''}`)
  }

  fail(place: number, reason: string): never {
    throw new ProtobufError(`(line ${this.#position(place)}): ${reason}`)
  }

  #syntax(place: number, reason: string): never {
    throw new ProtobufError(`syntax error (line ${this.#position(place)}): ${reason}`)
  }

  #position(place: number): string {
    const before = Buffer.from(this.input.subarray(0, place)).toString('utf8')
    const lines = before.split('\n')
    return `${lines.length}:${[...lines.at(-1)!].length + 1}`
  }

  #charAt(place: number): string {
    return String.fromCharCode(this.input[place]!)
  }

  #latin1(start: number, end: number): string {
    return Buffer.from(
      this.input.buffer,
      this.input.byteOffset + start,
      Math.max(0, Math.min(end, this.input.length) - start),
    ).toString('latin1')
  }
}

const SIGNS = new Set([...'}],'].map(char => char.charCodeAt(0)))

function isWord(byte: number): boolean {
  return (
    (byte >= 48 && byte <= 57) ||
    (byte >= 97 && byte <= 122) ||
    (byte >= 65 && byte <= 90) ||
    byte === 45 ||
    byte === 43 ||
    byte === 46 ||
    byte === 95
  )
}

function quotedChar(byte: number): string {
  const names: Readonly<Record<number, string>> = {
    9: '\\t',
    10: '\\n',
    13: '\\r',
    8: '\\b',
    12: '\\f',
    7: '\\a',
    11: '\\v',
  }
  return `'${names[byte] ?? `\\x${byte.toString(16).padStart(2, '0')}`}'`
}

function ended(): ProtobufError {
  return new ProtobufError('unexpected EOF')
}
