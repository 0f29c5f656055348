import { isUtf8 } from 'node:buffer'
import { MappingError } from '../errors.ts'
import { utf8Text } from '../text/bytes.ts'
import type { Value } from '../value.ts'
import { RawJson } from './raw.ts'
import { JsonScanner, numberOfText } from './scan.ts'

/** What a mapping needs of a document, or of an object inside of it. */
export interface DocumentPlan {
  /** The fields that it looks at; null where it needs the value as a whole. */
  readonly fields: ReadonlyMap<string, DocumentPlan> | null
  /** Whether it only carries the value to another place, where it is printed as it stands. */
  readonly carried: boolean
  /** Whether it carries all other fields along (`root = this`). */
  readonly carries: boolean
  /** Fields that it carries along only to delete them. */
  readonly dropped: ReadonlySet<string>
}

/**
 * Reads documents as far as a plan needs them: unused fields are checked and then left out, or kept as bytes.
 * Most of the time of a mapping goes into parsing and printing, and this is the way round both; see bench/bloblang.
 */
export class Projector {
  readonly #root: Layout
  /** What each byte is inside of a string. */
  readonly #kinds: Uint8Array
  #bytes: Uint8Array = NO_BYTES
  /** The bytes from `#base` on as Latin-1: one unit a byte. */
  #latin1 = ''
  #base = 0
  #at = 0
  /** Whether the value just skipped would print as its bytes. */
  #canonical = true
  /** Whether the string just skipped has escapes. */
  #escapes = false
  /** Whether there was more than ASCII in what was skipped. */
  #high = false
  #carries = false
  /** The number just skipped; NaN where JavaScript would print it differently. */
  #value = 0

  /** `escapesHtml`: so does the printer for which bytes are carried along. */
  constructor(plan: DocumentPlan, escapesHtml: boolean) {
    this.#root = new Layout(plan)
    this.#kinds = escapesHtml ? KINDS_OF_HTML : KINDS
  }

  /** Whether the document that was read last holds parts that are still bytes. */
  get carries(): boolean {
    return this.#carries
  }

  /**
   * Reads the document that lies in `bytes` from `start` to `end`. `latin1`: all of `bytes` as Latin-1, where that was made
   * before. Null where the document is out of the ordinary in any way, faults included: then the whole way decides.
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

  /** An object of which a plan wants some fields; null where it is none. */
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
        // Escapes were stepped over without a look: the scanner complains of those that are none.
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

  /** A value that goes on to the result as it stands, or else part by part; undefined where it is out of the ordinary. */
  #carry(field: Field, depth: number): Value | undefined {
    const start = this.#at
    if (!field.inParts || this.#bytes[start] !== OPEN_BRACE) {
      this.#canonical = true
      this.#high = false
      if (!this.#skip(depth)) return undefined
      const end = this.#at
      if (this.#canonical && (!this.#high || isUtf8(this.#bytes.subarray(start, end)))) {
        this.#carries = true
        // The only place where bytes pass for a value; see RawJson.
        return new RawJson(this.#bytes, start, end) as unknown as Value
      }
      // Mostly an object whose keys are not in order, and the next one at this place will be like it.
      field.inParts = true
      this.#at = start
    }
    return this.#read((field.parts ??= new Layout(CARRIED)), depth)
  }

  /** The text of some bytes, as the whole way reads it. */
  #text(start: number, end: number): string {
    return this.#high
      ? utf8Text(this.#bytes.subarray(start, end)).toWellFormed()
      : this.#latin1.slice(start - this.#base, end - this.#base)
  }

  /** The field that stood here in the document before, if it stands here again. */
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

  /** A value of ordinary content; undefined where it is none. */
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

  /** Skips a value; false where it is none, or deeply nested. */
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

  /** A string whose bytes are its value; with escapes, separators of lines or marks that are escaped it is not canonical. */
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
        // The two separators of lines, which are escaped.
        if (code === 0xe2 && bytes[at + 1] === 0x80 && (bytes[at + 2]! & 0xfe) === 0xa8) this.#canonical = false
      } else return false
    }
    this.#at = at + 1
    return true
  }

  /** Fifteen digits are exact as a whole number, and so is their quotient by a small power of ten. */
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
    // Exponents are rare enough for the whole way.
    if (code === 0x65 || code === 0x45) return false
    if (negative) {
      if (value === 0) odd = true
      value = -value
    }
    this.#value = odd ? Number.NaN : value
    this.#at = at
    return true
  }

  /** An object is canonical where its keys stand in the order in which they would be printed. */
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

/** Whether the bytes of one key come before those of another. */
function isBefore(bytes: Uint8Array, left: number, leftEnd: number, right: number, rightEnd: number): boolean {
  for (; left < leftEnd && right < rightEnd; left++, right++) {
    const difference = bytes[left]! - bytes[right]!
    if (difference !== 0) return difference < 0
  }
  return leftEnd - left < rightEnd - right
}

/** The fields of an object of a stream, in the order in which they stood last: most documents are alike. */
class Layout {
  readonly order: Field[] = []
  /** How objects are read that stand in an array in the place of the object: as a whole, as fields may be its indexes. */
  readonly elements: Layout
  readonly #plan: DocumentPlan | null
  readonly #known = new Map<string, Field>()

  /** Without a plan every field is wanted. */
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
    // As the name of a property it is the one that the engine compares by identity.
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
  /** How objects in it are read. */
  readonly inner: Layout
  /** Whether the last object here could not be carried as a whole, and how it is read then. */
  inParts: boolean
  parts: Layout | null
}

/** What is done with a field: it is left out, becomes a value, or stays bytes. */
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

/** A name that an assignment would take for something else than a field. */
const UNUSUAL_KEY = '__proto__'

/** An object that is carried field by field. */
export const CARRIED: DocumentPlan = { fields: null, carried: false, carries: true, dropped: new Set() }

/** What each byte is inside of a string. */
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

/** Quicker than `toString`, and works on any array of bytes. */
const { latin1Slice } = Buffer.prototype as unknown as {
  readonly latin1Slice: (this: Uint8Array, start: number, end: number) => string
}
