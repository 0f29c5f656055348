/**
 * Pattern-defeating quicksort, step by step as in Go's `sort.Slice`. The steps matter: they determine the order of
 * elements that compare as equal, and at which indexes a failing comparison finds its elements.
 * https://arxiv.org/pdf/2106.05123
 */
export type LessAt = (first: number, second: number) => boolean

/** Sorts in place. `less` compares two indexes of the array in its current state. */
export function patternSort<T>(elements: T[], less: LessAt): void {
  const limit = elements.length === 0 ? 0 : 32 - Math.clz32(elements.length)
  new PatternSort(elements, less).sort(0, elements.length, limit)
}

const LONGEST_INSERTION = 12
const SHORTEST_NINTHER = 50
const MOST_PIVOT_SWAPS = 12
const SHORTEST_SHIFT = 50
const MOST_SHIFTS = 5

class PatternSort<T> {
  readonly #elements: T[]
  readonly #less: LessAt
  /** How many out-of-order pairs the choice of the last pivot found. */
  #pivotSwaps = 0

  constructor(elements: T[], less: LessAt) {
    this.#elements = elements
    this.#less = less
  }

  /** Sorts from `from` up to but excluding `to`. After `limit` bad pivots it switches to heap sort. */
  sort(from: number, to: number, limit: number): void {
    let badPivots = limit
    let balanced = true
    let partitioned = true
    for (;;) {
      const length = to - from
      if (length <= LONGEST_INSERTION) return this.#insertionSort(from, to)
      if (badPivots === 0) return this.#heapSort(from, to)
      if (!balanced) {
        this.#breakPatterns(from, to)
        badPivots--
      }
      let pivot = this.#choosePivot(from, to)
      const descending = this.#pivotSwaps === MOST_PIVOT_SWAPS
      if (descending) {
        this.#reverse(from, to)
        pivot = to - 1 - (pivot - from)
      }
      const ascending = descending || this.#pivotSwaps === 0
      if (balanced && partitioned && ascending && this.#almostSorted(from, to)) return
      // Everything here is at least as large as the preceding element; if the pivot is not larger than it, many
      // elements are equal.
      if (from > 0 && !this.#less(from - 1, pivot)) {
        from = this.#partitionEqual(from, to, pivot)
        continue
      }
      const { middle, untouched } = this.#partition(from, to, pivot)
      partitioned = untouched
      const [left, right] = [middle - from, to - middle]
      const least = Math.trunc(length / 8)
      // Recurses into the shorter side only, so that the recursion depth is logarithmic.
      if (left < right) {
        balanced = left >= least
        this.sort(from, middle, badPivots)
        from = middle + 1
      } else {
        balanced = right >= least
        this.sort(middle + 1, to, badPivots)
        to = middle
      }
    }
  }

  #swap(first: number, second: number): void {
    const elements = this.#elements
    const kept = elements[first]!
    elements[first] = elements[second]!
    elements[second] = kept
  }

  #insertionSort(from: number, to: number): void {
    for (let end = from + 1; end < to; end++) {
      for (let at = end; at > from && this.#less(at, at - 1); at--) this.#swap(at, at - 1)
    }
  }

  #heapSort(from: number, to: number): void {
    const length = to - from
    for (let root = Math.trunc((length - 1) / 2); root >= 0; root--) this.#siftDown(from, root, length)
    for (let last = length - 1; last >= 0; last--) {
      this.#swap(from, from + last)
      this.#siftDown(from, 0, last)
    }
  }

  #siftDown(from: number, start: number, length: number): void {
    for (let root = start; ; ) {
      let child = 2 * root + 1
      if (child >= length) return
      if (child + 1 < length && this.#less(from + child, from + child + 1)) child++
      if (!this.#less(from + root, from + child)) return
      this.#swap(from + root, from + child)
      root = child
    }
  }

  /**
   * Moves smaller elements before the pivot and all others after it. `untouched` says that they already were in place.
   */
  #partition(from: number, to: number, pivot: number): { readonly middle: number; readonly untouched: boolean } {
    this.#swap(from, pivot)
    let low = from + 1
    let high = to - 1
    for (let swaps = 0; ; swaps++) {
      while (low <= high && this.#less(low, from)) low++
      while (low <= high && !this.#less(high, from)) high--
      if (low > high) {
        this.#swap(high, from)
        return { middle: high, untouched: swaps === 0 }
      }
      this.#swap(low++, high--)
    }
  }

  /** Moves elements equal to the pivot first, if none is smaller. Returns the index of the first larger one. */
  #partitionEqual(from: number, to: number, pivot: number): number {
    this.#swap(from, pivot)
    let low = from + 1
    let high = to - 1
    for (;;) {
      while (low <= high && !this.#less(from, low)) low++
      while (low <= high && this.#less(from, high)) high--
      if (low > high) return low
      this.#swap(low++, high--)
    }
  }

  /** Fixes a few out-of-order pairs; false if there are more. */
  #almostSorted(from: number, to: number): boolean {
    let at = from + 1
    for (let shifts = 0; shifts < MOST_SHIFTS; shifts++) {
      while (at < to && !this.#less(at, at - 1)) at++
      if (at === to) return true
      if (to - from < SHORTEST_SHIFT) return false
      this.#swap(at, at - 1)
      if (at - from >= 2) {
        for (let left = at - 1; left >= 1 && this.#less(left, left - 1); left--) this.#swap(left, left - 1)
      }
      if (to - at >= 2) {
        for (let right = at + 1; right < to && this.#less(right, right - 1); right++) this.#swap(right, right - 1)
      }
    }
    return false
  }

  /**
   * Scatters three elements around the middle, with pseudo-random numbers (xorshift) that depend only on the length.
   */
  #breakPatterns(from: number, to: number): void {
    const length = to - from
    const mask = 2 ** (32 - Math.clz32(length)) - 1
    let random = BigInt(length)
    const middle = from + 2 * Math.trunc(length / 4)
    for (let at = middle - 1; at <= middle + 1; at++) {
      random ^= BigInt.asUintN(64, random << 13n)
      random ^= random >> 7n
      random ^= BigInt.asUintN(64, random << 17n)
      const other = Number(BigInt.asUintN(32, random)) & mask
      this.#swap(at, from + (other >= length ? other - length : other))
    }
  }

  /** The median of three indexes; for long ranges the median of three such medians. */
  #choosePivot(from: number, to: number): number {
    const length = to - from
    const quarter = Math.trunc(length / 4)
    this.#pivotSwaps = 0
    const places = [from + quarter, from + 2 * quarter, from + 3 * quarter] as const
    if (length < SHORTEST_NINTHER) return this.#median(...places)
    const [first, second, third] = places
    const medians = [
      this.#median(first - 1, first, first + 1),
      this.#median(second - 1, second, second + 1),
      this.#median(third - 1, third, third + 1),
    ] as const
    return this.#median(...medians)
  }

  #median(first: number, second: number, third: number): number {
    let [a, b, c] = [first, second, third]
    if (this.#outOfOrder(a, b)) [a, b] = [b, a]
    if (this.#outOfOrder(b, c)) [b, c] = [c, b]
    return this.#outOfOrder(a, b) ? a : b
  }

  #outOfOrder(first: number, second: number): boolean {
    if (!this.#less(second, first)) return false
    this.#pivotSwaps++
    return true
  }

  #reverse(from: number, to: number): void {
    for (let low = from, high = to - 1; low < high; low++, high--) this.#swap(low, high)
  }
}
