import { START_TABLE } from './seeded-random.gen.ts'

const LENGTH = 607
const TAP = 273

/** Go's seeded generator: each number is the sum of those 607 and 273 positions before it. Deterministic. */
export class SeededRandom {
  /** The last 607 numbers of 64 bits, in halves; replaced from the end to the beginning. */
  readonly #high = new Uint32Array(LENGTH)
  readonly #low = new Uint32Array(LENGTH)
  #feed = LENGTH - TAP
  #tap = 0

  constructor(seed: bigint) {
    const table = startTable()
    let state = Number(seed % MODULUS)
    if (state < 0) state += Number(MODULUS)
    if (state === 0) state = 89_482_311
    const next = () => (state = (state * 48_271) % 0x7fffffff)
    for (let skipped = 0; skipped < 20; skipped++) next()
    for (let at = 0; at < LENGTH; at++) {
      const [first, second, third] = [next(), next(), next()]
      // first · 2^40 ⊕ second · 2^20 ⊕ third, truncated to 64 bits.
      this.#high[at] = (first << 8) ^ (second >>> 12) ^ table.getUint32(8 * at + 4, true)
      this.#low[at] = (second << 20) ^ third ^ table.getUint32(8 * at, true)
    }
  }

  /** A number from 0 up to but excluding `bound`, which is at most 2^63. */
  below(bound: bigint): bigint {
    if (bound < SMALL_BOUND) return this.#belowSmall(Number(bound))
    if ((bound & (bound - 1n)) === 0n) return this.#word() & (bound - 1n)
    // Values from the last, incomplete range would favour small numbers.
    const last = MAX_INT63 - ((MAX_INT63 + 1n) % bound)
    for (;;) {
      const word = this.#word()
      if (word <= last) return word % bound
    }
  }

  /** The same without bigints: the high half modulo the bound leaves room for the low half in a float. */
  #belowSmall(bound: number): bigint {
    const rest = ((0x80000000 % bound) * TWO_32) % bound
    for (;;) {
      const at = this.#step()
      const high = this.#high[at]! & 0x7fffffff
      const low = this.#low[at]!
      if (high === 0x7fffffff && low >= TWO_32 - rest) continue
      return BigInt(((high % bound) * TWO_32 + low) % bound)
    }
  }

  #word(): bigint {
    const at = this.#step()
    return (BigInt(this.#high[at]! & 0x7fffffff) << 32n) | BigInt(this.#low[at]!)
  }

  /** Generates the next number and returns its index. */
  #step(): number {
    this.#tap = this.#tap === 0 ? LENGTH - 1 : this.#tap - 1
    this.#feed = this.#feed === 0 ? LENGTH - 1 : this.#feed - 1
    const at = this.#feed
    const low = this.#low[at]! + this.#low[this.#tap]!
    this.#high[at] = this.#high[at]! + this.#high[this.#tap]! + (low >= TWO_32 ? 1 : 0)
    this.#low[at] = low
    return at
  }
}

const MODULUS = 0x7fffffffn
const MAX_INT63 = (1n << 63n) - 1n
const TWO_32 = 2 ** 32
const SMALL_BOUND = 1n << 21n

let known: DataView | null = null

function startTable(): DataView {
  if (known !== null) return known
  const bytes = Buffer.from(START_TABLE, 'base64')
  known = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return known
}
