import type { Value } from '../value.ts'
import { JsonScanner, numberOfText } from './scan.ts'
import { RawJson } from './raw.ts'

/** What a mapping needs of a document. */
export interface DocumentPlan {
  /** The fields at the top whose values it reads, or writes into. */
  readonly wanted: ReadonlySet<string>
  /** Whether it carries all other fields along (`root = this`). */
  readonly carries: boolean
  /** Fields that it carries along only to delete them. */
  readonly dropped: ReadonlySet<string>
}

/**
 * Reads a document as far as a plan needs it: fields that nobody looks at are checked and then left out, or kept as text.
 * Most of the time of a mapping goes into parsing and printing, and this is the way round both; see bench/bloblang. Null where
 * the text is out of the ordinary in any way, faults included: then the whole way decides.
 */
export function projectDocument(text: string, plan: DocumentPlan): Value | null {
  return new Projection(text, plan).document()
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const MAX_DEPTH = 64

/** Names that an assignment would take for something else than a field. */
const UNUSUAL_KEY = '__proto__'

class Projection {
  readonly #text: string
  readonly #plan: DocumentPlan
  #at = 0
  /** Whether the value just skipped would print differently from its text. */
  #canonical = true
  /** Whether the value just skipped has escapes. */
  #escapes = false
  /** Whether the value just skipped holds a number that JavaScript would print differently. */
  #oddNumbers = false

  constructor(text: string, plan: DocumentPlan) {
    this.#text = text
    this.#plan = plan
  }

  document(): Value | null {
    const text = this.#text
    if (text.charCodeAt(0) !== OPEN_BRACE) return null
    const { wanted, carries, dropped } = this.#plan
    const object: Record<string, Value> = {}
    this.#at = 1
    if (text.charCodeAt(1) === CLOSE_BRACE) return text.length === 2 ? object : null
    for (;;) {
      const keyStart = this.#at + 1
      this.#canonical = true
      if (!this.#string()) return null
      if (!this.#canonical) return null
      const key = text.slice(keyStart, this.#at - 1)
      if (text.charCodeAt(this.#at) !== COLON || key === UNUSUAL_KEY) return null
      const start = ++this.#at
      this.#oddNumbers = false
      this.#escapes = false
      if (!this.#value(0)) return null
      if (wanted.has(key)) object[key] = this.#read(start)
      else if (carries && !dropped.has(key)) object[key] = this.#canonical ? this.#raw(start) : this.#read(start)
      const next = text.charCodeAt(this.#at++)
      if (next === COMMA) continue
      return next === CLOSE_BRACE && this.#at === text.length ? object : null
    }
  }

  #raw(start: number): Value {
    // The only place where it passes for a value; see RawJson.
    return new RawJson(this.#text.slice(start, this.#at)) as unknown as Value
  }

  /** The value between a place and the present one, which is known to be whole. */
  #read(start: number): Value {
    const text = this.#text
    const code = text.charCodeAt(start)
    if (code === QUOTE && !this.#escapes) return text.slice(start + 1, this.#at - 1)
    const part = text.slice(start, this.#at)
    if (code === 0x2d || (code >= 0x30 && code <= 0x39)) return numberOfText(part)
    if (part === '[]') return []
    const plain = !this.#escapes && !this.#oddNumbers && (code === OPEN_BRACE || code === OPEN_BRACKET)
    return plain ? (JSON.parse(part) as Value) : new JsonScanner(part).value()
  }

  /** Skips a value; false where it is none, or deeply nested. */
  #value(depth: number): boolean {
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
      if (code === QUOTE) break
      if (code >= 0x3f && code < 0x5c) continue
      if (code > 0x5c && code < 0x2028) continue
      if (code === BACKSLASH) {
        this.#canonical = false
        this.#escapes = true
        at++
      } else if (code < 0x20 || Number.isNaN(code)) return false
      else if (code === 0x3c || code === 0x3e || code === 0x26) this.#canonical = false
      else if (code === 0x2028 || code === 0x2029 || (code >= 0xd800 && code <= 0xdfff)) this.#canonical = false
    }
    this.#at = at + 1
    return true
  }

  #number(): boolean {
    const text = this.#text
    let at = this.#at
    let code = text.charCodeAt(at)
    if (code === 0x2d) code = text.charCodeAt(++at)
    if (code === 0x30) code = text.charCodeAt(++at)
    else {
      if (!(code >= 0x31 && code <= 0x39)) return false
      do code = text.charCodeAt(++at)
      while (code >= 0x30 && code <= 0x39)
    }
    if (code === 0x2e) {
      const first = ++at
      code = text.charCodeAt(at)
      while (code >= 0x30 && code <= 0x39) code = text.charCodeAt(++at)
      if (at === first) return false
      if (text.charCodeAt(at - 1) === 0x30) this.#oddNumbers = true
    }
    // Longer than any number that surely prints as itself; -0 and tiny ones are longer or odd in the same way.
    if (at - this.#at > 15 || text.charCodeAt(this.#at) === 0x2d || text.startsWith('0.000', this.#at))
      this.#oddNumbers = true
    // Exponents are rare enough for the whole way.
    if (code === 0x65 || code === 0x45) return false
    this.#at = at
    return true
  }

  /** Its keys have to stand in the order in which they would be printed. */
  #object(depth: number): boolean {
    const text = this.#text
    if (text.charCodeAt(++this.#at) === CLOSE_BRACE) {
      this.#at++
      return true
    }
    let previous = ''
    for (;;) {
      const start = this.#at + 1
      if (!this.#string()) return false
      const key = text.slice(start, this.#at - 1)
      if (this.#canonical && start > 2 && previous >= key && previous !== '') this.#canonical = false
      previous = key
      if (text.charCodeAt(this.#at++) !== COLON || !this.#value(depth)) return false
      const next = text.charCodeAt(this.#at++)
      if (next === COMMA) continue
      return next === CLOSE_BRACE
    }
  }

  #array(depth: number): boolean {
    const text = this.#text
    if (text.charCodeAt(++this.#at) === CLOSE_BRACKET) {
      this.#at++
      return true
    }
    for (;;) {
      if (!this.#value(depth)) return false
      const next = text.charCodeAt(this.#at++)
      if (next === COMMA) continue
      return next === CLOSE_BRACKET
    }
  }
}
