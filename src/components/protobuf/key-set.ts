import type { JsonReader } from './json-reader.ts'

/** Up to this many keys are compared one by one. */
const FEW = 8

/**
 * The keys of a map so far. While there are few and none has escapes, they are stored as positions in the document,
 * which avoids creating strings.
 */
export class KeySet {
  readonly #reader: JsonReader
  readonly #places: number[] = []
  #texts: Set<string> | undefined

  constructor(reader: JsonReader) {
    this.#reader = reader
  }

  /** Adds the most recently read string; returns false if it is already present. */
  addText(): boolean {
    const { start, end, isEscaped } = this.#reader
    if (this.#texts === undefined && !isEscaped && this.#places.length < FEW * 2) {
      for (let at = 0; at < this.#places.length; at += 2) {
        if (this.#isSame(this.#places[at]!, this.#places[at + 1]!)) return false
      }
      this.#places.push(start, end)
      return true
    }
    return this.add(this.#reader.text())
  }

  add(key: string): boolean {
    if (this.#texts === undefined) {
      this.#texts = new Set()
      for (let at = 0; at < this.#places.length; at += 2) {
        this.#texts.add(this.#reader.textBetween(this.#places[at]!, this.#places[at + 1]!))
      }
    }
    if (this.#texts.has(key)) return false
    this.#texts.add(key)
    return true
  }

  #isSame(otherStart: number, otherEnd: number): boolean {
    const { input, start, end } = this.#reader
    if (end - start !== otherEnd - otherStart) return false
    for (let i = 0; i < end - start; i++) if (input[start + i] !== input[otherStart + i]) return false
    return true
  }
}
