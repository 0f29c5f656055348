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
 * Reads documents as far as a plan needs them: fields that nobody looks at are checked and then left out, or kept as text.
 * Most of the time of a mapping goes into parsing and printing, and this is the way round both; see bench/bloblang.
 */
export class Projector {
  readonly #root: Layout
  #text = ''
  #at = 0
  /** Whether the value just skipped would print as its text. */
  #canonical = true
  /** Whether the string just skipped has escapes. */
  #escapes = false
  /** The number just skipped; NaN where JavaScript would print it differently. */
  #value = 0

  constructor(plan: DocumentPlan) {
    this.#root = new Layout(plan)
  }

  /** Null where the text is out of the ordinary in any way, faults included: then the whole way decides. */
  project(text: string): Value | null {
    if (text.charCodeAt(0) !== OPEN_BRACE) return null
    this.#text = text
    this.#at = 0
    const object = this.#fields(this.#root, 1)
    return this.#at === text.length ? object : null
  }

  /** An object of which a plan wants some fields; null where it is none. */
  #fields(layout: Layout, depth: number): Value | null {
    const text = this.#text
    const object: Record<string, Value> = {}
    if (text.charCodeAt(++this.#at) === CLOSE_BRACE) {
      this.#at++
      return object
    }
    for (let place = 0; ; place++) {
      const field = this.#expect(layout, place) ?? this.#learn(layout, place)
      if (field === null) return null
      if (text.charCodeAt(this.#at) === SPACE) this.#space()
      const start = this.#at
      if (field.need === SKIP) {
        this.#escapes = false
        if (!this.#skip(depth)) return null
        // Escapes were stepped over without a look: the scanner complains of those that are none.
        if (this.#escapes) new JsonScanner(text.slice(start, this.#at)).value()
      } else if (field.need === WANTED) {
        const value = this.#read(field.inner, depth)
        if (value === undefined) return null
        object[field.key] = value
      } else {
        this.#canonical = true
        if (!this.#skip(depth)) return null
        const part = text.slice(start, this.#at)
        // The only place where such text passes for a value; see RawJson.
        if (this.#canonical) object[field.key] = new RawJson(part) as unknown as Value
        else object[field.key] = new JsonScanner(part).value()
      }
      const next = text.charCodeAt(this.#at++)
      if (next !== COMMA) return next === CLOSE_BRACE ? object : null
      if (text.charCodeAt(this.#at) === SPACE) this.#space()
    }
  }

  /** The field that stood here in the document before, if it stands here again. */
  #expect(layout: Layout, place: number): Field | null {
    const field = layout.order[place]
    if (field === undefined) return null
    const text = this.#text
    const { head } = field
    const at = this.#at
    for (let i = 0; i < head.length; i++) if (text.charCodeAt(at + i) !== head[i]) return null
    this.#at = at + head.length
    return field
  }

  #learn(layout: Layout, place: number): Field | null {
    const start = this.#at + 1
    this.#canonical = true
    if (!this.#string() || !this.#canonical) return null
    const key = this.#text.slice(start, this.#at - 1)
    if (this.#text.charCodeAt(this.#at++) !== COLON || key === UNUSUAL_KEY) return null
    const field = layout.field(key)
    if (place < PLACES_KEPT) layout.order[place] = field
    return field
  }

  /** A value of ordinary content; undefined where it is none. */
  #read(layout: Layout, depth: number): Value | undefined {
    const text = this.#text
    const start = this.#at
    const code = text.charCodeAt(start)
    if (code === QUOTE) {
      this.#escapes = false
      if (!this.#string()) return undefined
      return this.#escapes ? new JsonScanner(text.slice(start, this.#at)).value() : text.slice(start + 1, this.#at - 1)
    }
    if (code === OPEN_BRACKET) return this.#elements(layout.elements, depth)
    if (code === OPEN_BRACE) return depth < MAX_DEPTH ? (this.#fields(layout, depth + 1) ?? undefined) : undefined
    if (code === 0x74) return this.#word('true') ? true : undefined
    if (code === 0x66) return this.#word('false') ? false : undefined
    if (code === 0x6e) return this.#word('null') ? null : undefined
    if (!this.#number()) return undefined
    return Number.isNaN(this.#value) ? numberOfText(text.slice(start, this.#at)) : this.#value
  }

  #elements(layout: Layout, depth: number): Value | undefined {
    const text = this.#text
    const elements: Value[] = []
    if (text.charCodeAt(++this.#at) === CLOSE_BRACKET) {
      this.#at++
      return elements
    }
    if (depth >= MAX_DEPTH) return undefined
    for (;;) {
      const element = this.#read(layout, depth + 1)
      if (element === undefined) return undefined
      elements.push(element)
      const next = text.charCodeAt(this.#at++)
      if (next !== COMMA) return next === CLOSE_BRACKET ? elements : undefined
      if (text.charCodeAt(this.#at) === SPACE) this.#space()
    }
  }

  #space(): void {
    this.#canonical = false
    while (this.#text.charCodeAt(this.#at) === SPACE) this.#at++
  }

  /** Skips a value; false where it is none, or deeply nested. */
  #skip(depth: number): boolean {
    const code = this.#text.charCodeAt(this.#at)
    if (code === QUOTE) return this.#string()
    if (code === OPEN_BRACE) return depth < MAX_DEPTH && this.#object(depth + 1)
    if (code === OPEN_BRACKET) return depth < MAX_DEPTH && this.#array(depth + 1)
    if (code === 0x74) return this.#word('true')
    if (code === 0x66) return this.#word('false')
    return code === 0x6e ? this.#word('null') : this.#number()
  }

  #word(word: string): boolean {
    if (!this.#text.startsWith(word, this.#at)) return false
    this.#at += word.length
    return true
  }

  /** A string whose text is its value; with escapes, marks of HTML or line separators it is not canonical. */
  #string(): boolean {
    const text = this.#text
    let at = this.#at
    if (text.charCodeAt(at) !== QUOTE) return false
    for (;;) {
      const code = text.charCodeAt(++at)
      if (code > BACKSLASH) {
        if (code < 0x2028) continue
        // Half of a pair stands for a byte that was no UTF-8; the scanner knows what becomes of it.
        if (code >= 0xd800 && code <= 0xdfff) {
          this.#canonical = false
          this.#escapes = true
        } else if (code <= 0x2029) this.#canonical = false
      } else if (code === QUOTE) break
      else if (code === BACKSLASH) {
        this.#canonical = false
        this.#escapes = true
        at++
      } else if (code === 0x3c || code === 0x3e || code === 0x26) this.#canonical = false
      else if (!(code >= 0x20)) return false
    }
    this.#at = at + 1
    return true
  }

  /** Fifteen digits are exact as a whole number, and so is their quotient by a small power of ten. */
  #number(): boolean {
    const text = this.#text
    let at = this.#at
    let code = text.charCodeAt(at)
    const negative = code === 0x2d
    if (negative) code = text.charCodeAt(++at)
    const first = at
    let digits = code - 0x30
    if (code === 0x30) code = text.charCodeAt(++at)
    else {
      if (!(code >= 0x31 && code <= 0x39)) return false
      for (code = text.charCodeAt(++at); code >= 0x30 && code <= 0x39; code = text.charCodeAt(++at))
        digits = digits * 10 + (code - 0x30)
    }
    let odd = at - first > 15
    let value = digits
    if (code === 0x2e) {
      const point = at++
      for (code = text.charCodeAt(at); code >= 0x30 && code <= 0x39; code = text.charCodeAt(++at))
        digits = digits * 10 + (code - 0x30)
      const places = at - point - 1
      if (places === 0) return false
      odd = at - first > 16 || text.charCodeAt(at - 1) === 0x30
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
    const text = this.#text
    if (text.charCodeAt(++this.#at) === CLOSE_BRACE) {
      this.#at++
      return true
    }
    let previous: string | null = null
    for (;;) {
      const start = this.#at + 1
      if (!this.#string()) return false
      const key = text.slice(start, this.#at - 1)
      if (previous !== null && previous >= key) this.#canonical = false
      previous = key
      if (text.charCodeAt(this.#at++) !== COLON) return false
      if (text.charCodeAt(this.#at) === SPACE) this.#space()
      if (!this.#skip(depth)) return false
      const next = text.charCodeAt(this.#at++)
      if (next !== COMMA) return next === CLOSE_BRACE
      if (text.charCodeAt(this.#at) === SPACE) this.#space()
    }
  }

  #array(depth: number): boolean {
    const text = this.#text
    if (text.charCodeAt(++this.#at) === CLOSE_BRACKET) {
      this.#at++
      return true
    }
    for (;;) {
      if (!this.#skip(depth)) return false
      const next = text.charCodeAt(this.#at++)
      if (next !== COMMA) return next === CLOSE_BRACKET
      if (text.charCodeAt(this.#at) === SPACE) this.#space()
    }
  }
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
    const head = Uint16Array.from(`"${key}":`, character => character.charCodeAt(0))
    if (this.#plan === null) return { key, head, need: WANTED, inner: this }
    const { fields, carries, dropped } = this.#plan
    const plan = fields?.get(key)
    if (plan === undefined) return { key, head, need: carries && !dropped.has(key) ? RAW : SKIP, inner: this }
    if (plan.carried) return { key, head, need: RAW, inner: this }
    return { key, head, need: WANTED, inner: new Layout(plan.fields === null ? null : plan) }
  }
}

interface Field {
  readonly key: string
  /** The character codes of `"key":`. */
  readonly head: Uint16Array
  readonly need: number
  /** How objects in it are read. */
  readonly inner: Layout
}

/** What is done with a field: it is left out, becomes a value, or stays text. */
const SKIP = 0
const WANTED = 1
const RAW = 2

const SPACE = 0x20
const QUOTE = 0x22
const BACKSLASH = 0x5c
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
