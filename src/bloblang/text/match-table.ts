/**
 * Where a compressor saw four bytes last, by their hash; -1 for nowhere. One table serves all calls: to fill a new one takes far
 * longer than to compress a message, so after a short input only what it touched is wiped.
 */
export class MatchTable {
  readonly #places: Int32Array
  readonly #touched: Int32Array
  #count = 0

  constructor(hashBits: number) {
    this.#places = new Int32Array(1 << hashBits).fill(-1)
    this.#touched = new Int32Array(1 << (hashBits - 3))
  }

  /** The place that a slot held before. */
  exchange(slot: number, place: number): number {
    const before = this.#places[slot]!
    this.#places[slot] = place
    if (before < 0) {
      if (this.#count < this.#touched.length) this.#touched[this.#count] = slot
      this.#count++
    }
    return before
  }

  clear(): void {
    if (this.#count > this.#touched.length) this.#places.fill(-1)
    else for (let at = 0; at < this.#count; at++) this.#places[this.#touched[at]!] = -1
    this.#count = 0
  }
}
