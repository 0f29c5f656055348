import { constants, isAscii } from 'node:buffer'
import { compareText } from '../data/text-order.ts'
import { MappingError } from '../errors.ts'
import { utf8Bytes } from '../text/bytes.ts'
import { formatRfc3339 } from '../data/time/format.ts'
import { Float, JsonNumber, Opaque, Timestamp, Uint64, type Value, type ValueObject } from '../value.ts'
import { parseJson } from './parse.ts'
import { RawJson } from './raw.ts'

/**
 * Writes values as JSON in UTF-8, as the original prints them: keys sorted by bytes, bytes as base64, floats in
 * JavaScript's form. Checking and storing a text in a single pass is what makes it fast.
 */
export class JsonWriter {
  /** The output, up to `length`. Replaced by a larger array when full. */
  bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_CAPACITY)
  length = 0
  /** Whether the output is pure ASCII. */
  ascii = true
  /** Whether a number that JSON cannot represent (NaN, an infinity) was written, as null. */
  nonFinite = false
  /** 1 for each ASCII character that must be escaped. */
  readonly #special: Uint8Array
  /** The current recursion depth of open arrays and objects. */
  #depth = 0
  readonly #shapes: (Shape | undefined)[] = []

  /**
   * `escapeHtml`: `<`, `>` and `&` become `\u003c` …, as in the `blobl` command and `.string()`, but not in streams.
   */
  constructor(escapeHtml: boolean) {
    this.#special = specials(escapeHtml ? '"\\<>&' : '"\\')
  }

  clear(): void {
    this.length = 0
    this.#depth = 0
    this.ascii = true
    this.nonFinite = false
    if (this.bytes.length > CAPACITY_KEPT) this.bytes = Buffer.allocUnsafeSlow(FIRST_CAPACITY)
  }

  /** Throws `MappingError` if the output is too long for a string; as bytes it may be longer. */
  toString(): string {
    if (this.length > constants.MAX_STRING_LENGTH) throw tooLarge()
    return this.ascii ? this.bytes.toString('latin1', 0, this.length) : this.bytes.toString('utf8', 0, this.length)
  }

  /** A copy of the output. */
  toBytes(): Uint8Array {
    const copy = Buffer.allocUnsafe(this.length)
    this.bytes.copy(copy, 0, 0, this.length)
    return copy
  }

  value(value: Value): void {
    switch (typeof value) {
      case 'string':
        this.text(value)
        break
      case 'number':
        this.#number(value)
        break
      case 'bigint':
        this.plain(value.toString())
        break
      case 'boolean':
        this.plain(value ? 'true' : 'false')
        break
      case 'symbol':
        this.plain('null')
        break
      default: // an object or null
        if (value === null) this.plain('null')
        else if (Array.isArray(value)) this.#array(value)
        else this.#record(value)
    }
  }

  /** Writes a value after the name of its field, given by `head`: `{"a":` or `,"a":`, in UTF-8. */
  field(head: Uint8Array, value: Value): void {
    this.put(head)
    this.value(value)
  }

  /** Writes bytes unchanged. */
  put(part: Uint8Array, start = 0, end = part.length): void {
    if (end - start > LOOPED_BYTES) {
      if (end - start === part.length) return this.#putLong(part)
      if (end - start > LOOPED_PART_BYTES) return this.#putLong(part.subarray(start, end))
    }
    const at = this.#reserve(end - start) - start
    const { bytes } = this
    let seen = 0
    for (let i = start; i < end; i++) seen |= bytes[at + i] = part[i]!
    if (seen >= 0x80) this.ascii = false
    this.length = at + end
  }

  #putLong(part: Uint8Array): void {
    const at = this.#reserve(part.length)
    this.bytes.set(part, at)
    this.ascii &&= isAscii(part)
    this.length = at + part.length
  }

  /** The `head` argument of {@link field}. */
  head(key: string, isFirst: boolean): Uint8Array {
    const start = this.length
    const { ascii } = this
    this.byte(isFirst ? OPEN_BRACE : COMMA)
    this.text(key)
    this.byte(COLON)
    const head = Uint8Array.from(this.bytes.subarray(start, this.length))
    this.length = start
    this.ascii = ascii
    return head
  }

  /** Writes one ASCII byte. */
  byte(code: number): void {
    const at = this.#reserve(1)
    this.bytes[at] = code
    this.length = at + 1
  }

  /** Writes a text as a JSON string. */
  text(text: string): void {
    this.byte(QUOTE)
    if (text.length <= WINDOW) this.#escaped(text)
    else {
      for (let from = 0; from < text.length; ) {
        let to = from + WINDOW
        // Surrogate pairs are kept together.
        if ((text.charCodeAt(to - 1) & 0xfc00) === 0xd800 && (text.charCodeAt(to) & 0xfc00) === 0xdc00) to++
        this.#escaped(text.slice(from, to))
        from = to
      }
    }
    this.byte(QUOTE)
  }

  /**
   * Writes a value over several lines, one entry per line. `lineStart` is the line break with the current indentation.
   */
  indented(value: Value, indent: string, lineStart = '\n'): void {
    const inner = lineStart + indent
    if (inner.length > MOST_CALLS * indent.length && isNested(value)) return this.#deep(value, indent, lineStart)
    if (value instanceof RawJson) value = parseJson((value as RawJson).text) // a class that is not among the types of values
    if (value instanceof Opaque) value = Opaque.contentOf(value)
    if (Array.isArray(value) && value.length > 0) {
      // `Array.isArray` alone would make the elements `any`.
      for (const [at, element] of (value as readonly Value[]).entries()) {
        this.raw((at === 0 ? '[' : ',') + inner)
        this.indented(element, indent, inner)
      }
      this.raw(`${lineStart}]`)
    } else if (typeof value === 'object' && value !== null && !Array.isArray(value) && isPlain(value)) {
      const object = value as ValueObject // isPlain checked its prototype
      const keys = Object.keys(object).toSorted(compareText)
      for (const [at, key] of keys.entries()) {
        this.raw((at === 0 ? '{' : ',') + inner)
        this.text(key)
        this.plain(': ')
        this.indented(object[key]!, indent, inner)
      }
      this.raw(keys.length === 0 ? '{}' : `${lineStart}}`)
    } else this.value(value)
  }

  /** Writes text unchanged. */
  raw(text: string): void {
    const { length } = text
    const at = this.#reserve(length * 3)
    const { bytes } = this
    let seen = 0
    if (length <= LOOKED_THROUGH) for (let i = 0; i < length; i++) seen |= bytes[at + i] = text.charCodeAt(i)
    if (length <= LOOKED_THROUGH && seen < 0x80) this.length = at + length
    else if (!text.isWellFormed()) this.put(utf8Bytes(text))
    else {
      const written = bytes.write(text, at, 'utf8')
      if (written !== length) this.ascii = false
      this.length = at + written
    }
  }

  /** Writes ASCII that needs no escapes. */
  plain(text: string): void {
    const { length } = text
    const at = this.#reserve(length)
    const { bytes } = this
    for (let i = 0; i < length; i++) bytes[at + i] = text.charCodeAt(i)
    this.length = at + length
  }

  #number(value: number): void {
    if (value >= 0 && value < 1e9 && Math.floor(value) === value) {
      let rest = value | 0
      let count = 1
      for (let limit = 10; rest >= limit && count < 9; limit *= 10) count++
      const at = this.#reserve(10)
      const { bytes } = this
      for (let i = at + count - 1; i >= at; i--) {
        const next = (rest / 10) | 0
        bytes[i] = 0x30 + rest - next * 10
        rest = next
      }
      this.length = at + count
    } else this.plain(String(value))
  }

  #array(array: readonly Value[]): void {
    if (array.length === 0) return this.plain('[]')
    if (this.#depth >= MOST_CALLS) return this.#deep(array)
    this.#depth++
    for (let i = 0; i < array.length; i++) {
      this.byte(i === 0 ? OPEN_BRACKET : COMMA)
      this.value(array[i]!)
    }
    this.#depth--
    this.byte(CLOSE_BRACKET)
  }

  #record(value: object): void {
    switch (Object.getPrototypeOf(value)) {
      case Object.prototype:
        return this.#object(value as ValueObject) // the prototype is that of a plain object
      case RawJson.prototype:
        // The prototype is RawJson's.
        return this.put((value as RawJson).bytes, (value as RawJson).start, (value as RawJson).end)
      case JsonNumber.prototype:
        return this.plain((value as JsonNumber).text) // the prototype is JsonNumber's
      case Float.prototype:
        return this.#float((value as Float).value) // the prototype is Float's
    }
    if (isPlain(value)) return this.#object(value as ValueObject) // isPlain checked its prototype
    if (value instanceof Float) return this.#float(value.value)
    if (value instanceof Uint64) return this.plain(value.value.toString())
    if (value instanceof Timestamp) return this.text(formatRfc3339(value))
    if (value instanceof Opaque) return this.value(Opaque.contentOf(value))
    const bytes = value as Uint8Array // the only remaining class
    if (bytes.length / 3 > constants.MAX_STRING_LENGTH / 4 - 1) throw tooLarge()
    return this.plain(`"${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')}"`)
  }

  #float(value: number): void {
    if (!Number.isFinite(value)) {
      this.nonFinite = true
      this.plain('null')
    } else if (value === 0) this.plain(Object.is(value, -0) ? '-0' : '0')
    else this.#number(value)
  }

  #object(object: ValueObject): void {
    const keys = Object.keys(object)
    if (keys.length === 0) return this.plain('{}')
    if (this.#depth >= MOST_CALLS) return this.#deep(object)
    const { sorted, heads } = this.#shapeOf(keys)
    this.#depth++
    for (let i = 0; i < sorted.length; i++) {
      this.put(heads[i]!)
      this.value(object[sorted[i]!]!)
    }
    this.#depth--
    this.byte(CLOSE_BRACE)
  }

  /** Writes a value that is nested too deeply for recursion; on separate lines if there is an indent. */
  #deep(container: Nested, indent: string | null = null, lineStart = ''): void {
    const open = [walkOf(container)]
    let line = lineStart
    for (let walk = open.at(-1); walk !== undefined; walk = open.at(-1)) {
      if (walk.at === walk.values.length) {
        if (indent !== null) this.raw(line)
        this.byte(walk.keys === null ? CLOSE_BRACKET : CLOSE_BRACE)
        if (indent !== null) line = line.slice(0, line.length - indent.length)
        open.pop()
        continue
      }
      const inner = indent === null ? '' : line + indent
      this.byte(walk.at > 0 ? COMMA : walk.keys === null ? OPEN_BRACKET : OPEN_BRACE)
      this.raw(inner)
      if (walk.keys !== null) {
        this.text(walk.keys[walk.at]!)
        this.plain(indent === null ? ':' : ': ')
      }
      const value = walk.values[walk.at++]!
      if (isNested(value)) {
        open.push(walkOf(value))
        line = inner
      } else this.value(value)
    }
  }

  #shapeOf(keys: readonly string[]): Shape {
    const slot = (keys.length * 7 + keys[0]!.length * 3 + keys[keys.length - 1]!.length) % SHAPES_KEPT
    const known = this.#shapes[slot]
    if (known !== undefined && sameKeys(known.keys, keys)) return known
    const sorted = keys.toSorted(compareText)
    const heads = sorted.map((key, at) => this.head(key, at === 0))
    const shape = { keys, sorted, heads }
    this.#shapes[slot] = shape
    return shape
  }

  /** Writes the characters of a text, which must not end inside a surrogate pair. */
  #escaped(text: string): void {
    const { length } = text
    let at = this.#reserve(length * ESCAPE_LENGTH)
    const { bytes } = this
    const special = this.#special
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i)
      if (code < 0x80) {
        if (special[code] === 0) bytes[at++] = code
        else at = store(ESCAPED[code]!, bytes, at)
        continue
      }
      this.ascii = false
      if (code < 0x800) {
        bytes[at++] = 0xc0 | (code >> 6)
        bytes[at++] = 0x80 | (code & 63)
      } else if ((code & 0xf800) === 0xd800) {
        const low = code < 0xdc00 ? text.charCodeAt(i + 1) : 0
        if ((low & 0xfc00) === 0xdc00) {
          const point = 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff)
          bytes[at++] = 0xf0 | (point >> 18)
          bytes[at++] = 0x80 | ((point >> 12) & 63)
          bytes[at++] = 0x80 | ((point >> 6) & 63)
          bytes[at++] = 0x80 | (point & 63)
          i++
          // A lone surrogate stands for a byte that was not UTF-8.
        } else at = store('\\ufffd', bytes, at)
      } else if (code === 0x2028 || code === 0x2029) at = store(`\\u${code.toString(16)}`, bytes, at)
      else {
        bytes[at++] = 0xe0 | (code >> 12)
        bytes[at++] = 0x80 | ((code >> 6) & 63)
        bytes[at++] = 0x80 | (code & 63)
      }
    }
    this.length = at
  }

  /** Makes room for `count` bytes and returns the position to write at. */
  #reserve(count: number): number {
    const at = this.length
    if (at + count > this.bytes.length) this.#grow(at + count)
    return at
  }

  #grow(needed: number): void {
    if (needed > constants.MAX_STRING_LENGTH) throw tooLarge()
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2))
    this.bytes.copy(grown, 0, 0, this.length)
    this.bytes = grown
  }
}

interface Shape {
  readonly keys: readonly string[]
  readonly sorted: readonly string[]
  /** `{"a":`, then `,"b":` … */
  readonly heads: readonly Uint8Array[]
}

/** Printed values have to fit into one string. */
function tooLarge(): MappingError {
  return new MappingError('the result is too large: Invalid string length')
}

/** Copies ASCII text; returns the position after it. */
function store(text: string, bytes: Buffer, at: number): number {
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i)
  return at + text.length
}

function sameKeys(left: readonly string[], right: readonly string[]): boolean {
  if (left.length !== right.length) return false
  for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return false
  return true
}

function isPlain(value: object): boolean {
  return !(
    value instanceof Float ||
    value instanceof JsonNumber ||
    value instanceof Uint64 ||
    value instanceof Uint8Array ||
    value instanceof Timestamp ||
    value instanceof Opaque ||
    value instanceof RawJson
  )
}

/** An array or object being written, with the current position. */
interface Walk {
  /** The names of the fields; null for an array. */
  readonly keys: readonly string[] | null
  readonly values: readonly Value[]
  at: number
}

type Nested = readonly Value[] | ValueObject

function walkOf(container: Nested): Walk {
  // Read-only, which `Array.isArray` does not preserve.
  if (Array.isArray(container)) return { keys: null, values: container as readonly Value[], at: 0 }
  const object = container as ValueObject // not an array, hence an object
  const keys = Object.keys(object).toSorted(compareText)
  return { keys, values: keys.map(key => object[key]!), at: 0 }
}

/** Whether a value contains others. */
function isNested(value: Value): value is Nested {
  if (Array.isArray(value)) return value.length > 0
  return typeof value === 'object' && value !== null && isPlain(value) && Object.keys(value).length > 0
}

/** Control characters are always escaped. */
function specials(characters: string): Uint8Array {
  return Uint8Array.from({ length: 128 }, (_, code) =>
    code < 0x20 || characters.includes(String.fromCharCode(code)) ? 1 : 0,
  )
}

const SHORT: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
  '\f': '\\f',
}

/** The escaped form of each ASCII character. */
const ESCAPED = Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code)
  return SHORT[character] ?? `\\u${code.toString(16).padStart(4, '0')}`
})

/** The maximum number of bytes per UTF-16 unit: `\u0000`. */
const ESCAPE_LENGTH = 6
const WINDOW = 4096
/** Longer byte ranges are copied by Node, whose call costs as much as this loop, or more if it needs a view. */
const LOOPED_BYTES = 64
const LOOPED_PART_BYTES = 512
/** Shorter texts are stored faster here than by a runtime call. */
const LOOKED_THROUGH = 64
const SHAPES_KEPT = 64
/** A recursion depth that is safe for the stack. */
const MOST_CALLS = 400
const FIRST_CAPACITY = 8 * 1024
const CAPACITY_KEPT = 1024 * 1024

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
