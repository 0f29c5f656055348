import { isUtf8 } from 'node:buffer'
import { MappingError } from '../errors.ts'
import { utf8Text } from '../text/bytes.ts'
import type { Value } from '../value.ts'
import { RawJson } from './raw.ts'
import { JsonScanner, numberOfText } from './scan.ts'

/** What a mapping needs of a document, or of an object inside it. */
export interface DocumentPlan {
  /** The fields that it reads; null if it needs the value as a whole. */
  readonly fields: ReadonlyMap<string, DocumentPlan> | null
  /** Whether it only passes the value through to another place, where it is printed unchanged. */
  readonly carried: boolean
  /** Whether it passes all other fields through (`root = this`). */
  readonly carries: boolean
  /** Fields that it passes through only to delete them. */
  readonly dropped: ReadonlySet<string>
}

/**
 * Reads the parts of documents that a plan needs: unused fields are checked and then skipped, or kept as bytes.
 * Mappings spend most of their time parsing and printing, which this avoids; see bench/bloblang.
 */
export class Projector {
  readonly #root: Layout
  /** The role of each byte value inside a string. */
  readonly #kinds: Uint8Array
  #bytes: Uint8Array = NO_BYTES
  /** The bytes from `#base` on as Latin-1, one unit per byte. */
  #latin1 = ''
  #base = 0
  #at = 0
  /** Whether the value just skipped would be printed as the same bytes. */
  #canonical = true
  /** Whether the string just skipped has escapes. */
  #escapes = false
  /** Whether the bytes just skipped included any outside ASCII. */
  #high = false
  #carries = false
  /** The number just skipped; NaN if JavaScript would print it differently. */
  #value = 0

  /** `escapesHtml` says whether the printer of the result escapes HTML. */
  constructor(plan: DocumentPlan, escapesHtml: boolean) {
    this.#root = new Layout(plan)
    this.#kinds = escapesHtml ? KINDS_OF_HTML : KINDS
  }

  /** Whether the last document contains parts that are still bytes. */
  get carries(): boolean {
    return this.#carries
  }

  /**
   * Reads the document in `bytes` from `start` to `end`. `latin1` is all of `bytes` as Latin-1, if already available.
   * Null if the document is unusual in any way, errors included: the caller then parses it in full.
   */
  project(bytes: Uint8Array, start: number, end: number, latin1: string | null): Value | null {
    if (bytes[start] !== OPEN_BRACE || start === end) return null
    this.#bytes = bytes
    this.#at = start
    this.#carries = false
    if (latin1 === null) {
      this.#latin1 = latin1Slice.call(bytes, start, end)
      this.#base = start
    } else {
      this.#latin1 = latin1
      this.#base = 0
    }
    try {
      const object = this.#fields(this.#root, 1)
      return this.#at === end ? object : null
    } catch (error) {
      if (error instanceof MappingError) return null
      throw error
    }
  }

  /** Reads an object of which a plan needs some fields; null if it is unusual. */
  #fields(layout: Layout, depth: number): Value | null {
    const bytes = this.#bytes
    const object: Record<string, Value> = {}
    if (bytes[++this.#at] === CLOSE_BRACE) {
      this.#at++
      return object
    }
    for (let place = 0; ; place++) {
      const field = this.#expect(layout, place) ?? this.#learn(layout, place)
      if (field === null) return null
      if (bytes[this.#at] === SPACE) this.#space()
      const start = this.#at
      if (field.need === SKIP) {
        this.#escapes = false
        this.#high = false
        if (!this.#skip(depth)) return null
        // Escapes were skipped unchecked; the scanner rejects invalid ones.
        if (this.#escapes) new JsonScanner(this.#text(start, this.#at)).value()
      } else {
        const value = field.need === RAW ? this.#carry(field, depth) : this.#read(field.inner, depth)
        if (value === undefined) return null
        object[field.key] = value
      }
      const next = bytes[this.#at++]
      if (next !== COMMA) return next === CLOSE_BRACE ? object : null
      if (bytes[this.#at] === SPACE) this.#space()
    }
  }

  /** A value that is passed through as bytes or, failing that, field by field; undefined if it is unusual. */
  #carry(field: Field, depth: number): Value | undefined {
    const start = this.#at
    if (!field.inParts || this.#bytes[start] !== OPEN_BRACE) {
      this.#canonical = true
      this.#high = false
      if (!this.#skip(depth)) return undefined
      const end = this.#at
      if (this.#canonical && (!this.#high || isUtf8(this.#bytes.subarray(start, end)))) {
        this.#carries = true
        // The only place where bytes pose as a value; see RawJson.
        return new RawJson(this.#bytes, start, end) as unknown as Value
      }
      // Usually an object whose keys are not sorted, and the next one here will be similar.
      field.inParts = true
      this.#at = start
    }
    return this.#read((field.parts ??= new Layout(CARRIED)), depth)
  }

  /** The text of some bytes, as the full parser would decode it. */
  #text(start: number, end: number): string {
    return this.#high
      ? utf8Text(this.#bytes.subarray(start, end)).toWellFormed()
      : this.#latin1.slice(start - this.#base, end - this.#base)
  }

  /** The field at this position in the previous document, if it is here again. */
  #expect(layout: Layout, place: number): Field | null {
    const field = layout.order[place]
    if (field === undefined) return null
    const bytes = this.#bytes
    const { head } = field
    const at = this.#at
    for (let i = 0; i < head.length; i++) if (bytes[at + i] !== head[i]) return null
    this.#at = at + head.length
    return field
  }

  #learn(layout: Layout, place: number): Field | null {
    const start = this.#at + 1
    this.#canonical = true
    this.#high = false
    if (!this.#string() || !this.#canonical) return null
    const end = this.#at - 1
    if (this.#high && !isUtf8(this.#bytes.subarray(start, end))) return null
    const key = this.#text(start, end)
    if (this.#bytes[this.#at++] !== COLON || key === UNUSUAL_KEY) return null
    const field = layout.field(key)
    if (place < PLACES_KEPT) layout.order[place] = field
    return field
  }

  /** A value without unusual content; otherwise undefined. */
  #read(layout: Layout, depth: number): Value | undefined {
    const start = this.#at
    const code = this.#bytes[start]
    if (code === QUOTE) {
      this.#escapes = false
      this.#high = false
      if (!this.#string()) return undefined
      if (this.#escapes) return new JsonScanner(this.#text(start, this.#at)).value()
      return this.#text(start + 1, this.#at - 1)
    }
    if (code === OPEN_BRACKET) return this.#elements(layout.elements, depth)
    if (code === OPEN_BRACE) return depth < MAX_DEPTH ? (this.#fields(layout, depth + 1) ?? undefined) : undefined
    if (code === 0x74) return this.#word(TRUE) ? true : undefined
    if (code === 0x66) return this.#word(FALSE) ? false : undefined
    if (code === 0x6e) return this.#word(NULL) ? null : undefined
    if (!this.#number()) return undefined
    if (!Number.isNaN(this.#value)) return this.#value
    return numberOfText(this.#latin1.slice(start - this.#base, this.#at - this.#base))
  }

  #elements(layout: Layout, depth: number): Value | undefined {
    const bytes = this.#bytes
    const elements: Value[] = []
    if (bytes[++this.#at] === CLOSE_BRACKET) {
      this.#at++
      return elements
    }
    if (depth >= MAX_DEPTH) return undefined
    for (;;) {
      const element = this.#read(layout, depth + 1)
      if (element === undefined) return undefined
      elements.push(element)
      const next = bytes[this.#at++]
      if (next !== COMMA) return next === CLOSE_BRACKET ? elements : undefined
      if (bytes[this.#at] === SPACE) this.#space()
    }
  }

  #space(): void {
    this.#canonical = false
    while (this.#bytes[this.#at] === SPACE) this.#at++
  }

  /** Skips a value; false if it is invalid or deeply nested. */
  #skip(depth: number): boolean {
    const code = this.#bytes[this.#at]
    if (code === QUOTE) return this.#string()
    if (code === OPEN_BRACE) return depth < MAX_DEPTH && this.#object(depth + 1)
    if (code === OPEN_BRACKET) return depth < MAX_DEPTH && this.#array(depth + 1)
    if (code === 0x74) return this.#word(TRUE)
    if (code === 0x66) return this.#word(FALSE)
    return code === 0x6e ? this.#word(NULL) : this.#number()
  }

  #word(word: Uint8Array): boolean {
    const bytes = this.#bytes
    const at = this.#at
    for (let i = 1; i < word.length; i++) if (bytes[at + i] !== word[i]) return false
    this.#at = at + word.length
    return true
  }

  /** Skips a string. It is not canonical if it has escapes, line separators, or characters that need escapes. */
  #string(): boolean {
    const bytes = this.#bytes
    const kinds = this.#kinds
    let at = this.#at
    if (bytes[at] !== QUOTE) return false
    for (;;) {
      const code = bytes[++at]!
      const kind = kinds[code]
      if (kind === PLAIN) continue
      if (kind === END) break
      if (kind === ESCAPE) {
        this.#canonical = false
        this.#escapes = true
        at++
      } else if (kind === HTML) this.#canonical = false
      else if (kind === HIGH) {
        this.#high = true
        // U+2028 and U+2029, which the printer escapes.
        if (code === 0xe2 && bytes[at + 1] === 0x80 && (bytes[at + 2]! & 0xfe) === 0xa8) this.#canonical = false
      } else return false
    }
    this.#at = at + 1
    return true
  }

  /** Up to fifteen digits are exact as an integer, and so is their quotient by a small power of ten. */
  #number(): boolean {
    const bytes = this.#bytes
    let at = this.#at
    let code = bytes[at]!
    const negative = code === 0x2d
    if (negative) code = bytes[++at]!
    const first = at
    let digits = code - 0x30
    if (code === 0x30) code = bytes[++at]!
    else {
      if (!(code >= 0x31 && code <= 0x39)) return false
      for (code = bytes[++at]!; code >= 0x30 && code <= 0x39; code = bytes[++at]!) digits = digits * 10 + (code - 0x30)
    }
    let odd = at - first > 15
    let value = digits
    if (code === 0x2e) {
      const point = at++
      for (code = bytes[at]!; code >= 0x30 && code <= 0x39; code = bytes[++at]!) digits = digits * 10 + (code - 0x30)
      const places = at - point - 1
      if (places === 0) return false
      odd = at - first > 16 || bytes[at - 1] === 0x30
      value = odd ? 0 : digits / POWERS_OF_TEN[places]!
      if (value < 1e-6) odd = true
    }
    // Exponents are rare enough for the full parser.
    if (code === 0x65 || code === 0x45) return false
    if (negative) {
      if (value === 0) odd = true
      value = -value
    }
    this.#value = odd ? Number.NaN : value
    this.#at = at
    return true
  }

  /** Skips an object. It is canonical if its keys are in the order in which they would be printed. */
  #object(depth: number): boolean {
    const bytes = this.#bytes
    if (bytes[++this.#at] === CLOSE_BRACE) {
      this.#at++
      return true
    }
    let previous = -1
    let previousEnd = 0
    for (;;) {
      const start = this.#at + 1
      if (!this.#string()) return false
      const end = this.#at - 1
      if (previous >= 0 && !isBefore(bytes, previous, previousEnd, start, end)) this.#canonical = false
      previous = start
      previousEnd = end
      if (bytes[this.#at++] !== COLON) return false
      if (bytes[this.#at] === SPACE) this.#space()
      if (!this.#skip(depth)) return false
      const next = bytes[this.#at++]
      if (next !== COMMA) return next === CLOSE_BRACE
      if (bytes[this.#at] === SPACE) this.#space()
    }
  }

  #array(depth: number): boolean {
    const bytes = this.#bytes
    if (bytes[++this.#at] === CLOSE_BRACKET) {
      this.#at++
      return true
    }
    for (;;) {
      if (!this.#skip(depth)) return false
      const next = bytes[this.#at++]
      if (next !== COMMA) return next === CLOSE_BRACKET
      if (bytes[this.#at] === SPACE) this.#space()
    }
  }
}

/** Whether one key sorts before another, by bytes. */
function isBefore(bytes: Uint8Array, left: number, leftEnd: number, right: number, rightEnd: number): boolean {
  for (; left < leftEnd && right < rightEnd; left++, right++) {
    const difference = bytes[left]! - bytes[right]!
    if (difference !== 0) return difference < 0
  }
  return leftEnd - left < rightEnd - right
}

/** The fields of an object in the order in which they last occurred: most documents of a stream are alike. */
class Layout {
  readonly order: Field[] = []
  /** For objects inside an array at this position: read as a whole, because plan fields may be array indexes. */
  readonly elements: Layout
  readonly #plan: DocumentPlan | null
  readonly #known = new Map<string, Field>()

  /** Without a plan every field is needed. */
  constructor(plan: DocumentPlan | null) {
    this.#plan = plan
    this.elements = plan === null ? this : new Layout(null)
  }

  field(key: string): Field {
    let field = this.#known.get(key)
    if (field === undefined) {
      field = this.#planned(key)
      if (this.#known.size >= KEYS_KEPT) this.#known.clear()
      this.#known.set(key, field)
    }
    return field
  }

  #planned(text: string): Field {
    // Taken from a property name, so that V8 has it internalized and compares it by identity.
    const key = Object.keys({ [text]: null })[0]!
    const head = Buffer.from(`"${key}":`)
    const field = { key, head, inner: this, inParts: false, parts: null }
    if (this.#plan === null) return { ...field, need: WANTED }
    const { fields, carries, dropped } = this.#plan
    const plan = fields?.get(key)
    if (plan === undefined) return { ...field, need: carries && !dropped.has(key) ? RAW : SKIP }
    if (plan.carried) return { ...field, need: RAW }
    return { ...field, need: WANTED, inner: new Layout(plan.fields === null ? null : plan) }
  }
}

interface Field {
  readonly key: string
  /** The bytes of `"key":`. */
  readonly head: Uint8Array
  readonly need: number
  /** The layout of objects inside it. */
  readonly inner: Layout
  /** Whether the last object here could not be passed through as a whole, and the layout used then. */
  inParts: boolean
  parts: Layout | null
}

/** What happens to a field: it is skipped, becomes a value, or stays bytes. */
const SKIP = 0
const WANTED = 1
const RAW = 2

const SPACE = 0x20
const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const MAX_DEPTH = 64
const PLACES_KEPT = 256
const KEYS_KEPT = 4096
const POWERS_OF_TEN = Array.from({ length: 16 }, (_, exponent) => 10 ** exponent)

/** A name that an assignment would not treat as a field. */
const UNUSUAL_KEY = '__proto__'

/** An object that is passed through field by field. */
export const CARRIED: DocumentPlan = { fields: null, carried: false, carries: true, dropped: new Set() }

/** The role of each byte value inside a string. */
const [PLAIN, END, ESCAPE, HTML, HIGH, CONTROL] = [0, 1, 2, 3, 4, 5] as const
const KINDS = Uint8Array.from({ length: 256 }, (_, code) => {
  if (code === QUOTE) return END
  if (code === 0x5c) return ESCAPE
  if (code >= 0x80) return HIGH
  return code < 0x20 ? CONTROL : PLAIN
})
const KINDS_OF_HTML = KINDS.map((kind, code) => (code === 0x3c || code === 0x3e || code === 0x26 ? HTML : kind))

const TRUE = Buffer.from('true')
const FALSE = Buffer.from('false')
const NULL = Buffer.from('null')
const NO_BYTES = new Uint8Array(0)

/** Faster than `toString`, and works on any byte array. */
const { latin1Slice } = Buffer.prototype as unknown as {
  readonly latin1Slice: (this: Uint8Array, start: number, end: number) => string
}
