/** A generator of 63-bit numbers that gives the same sequence for the same seed (SplitMix64). */
export class SeededRandom {
  #state: bigint

  constructor(seed: bigint) {
    this.#state = BigInt.asUintN(64, seed)
  }

  /** A number from 0 up to, not including, `bound`, which is at most 2^63. */
  below(bound: bigint): bigint {
    // Numbers of the last, incomplete round would favour the small ones.
    const rounds = (1n << 63n) / bound
    for (;;) {
      const number = this.#next() >> 1n
      if (number < rounds * bound) return number % bound
    }
  }

  #next(): bigint {
    this.#state = BigInt.asUintN(64, this.#state + 0x9e3779b97f4a7c15n)
    let mixed = this.#state
    mixed = BigInt.asUintN(64, (mixed ^ (mixed >> 30n)) * 0xbf58476d1ce4e5b9n)
    mixed = BigInt.asUintN(64, (mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn)
    return mixed ^ (mixed >> 31n)
  }
}
