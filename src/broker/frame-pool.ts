/** Smaller frames are left to Node, which has a pool of its own for them. */
const smallestBytes = 32 * 1024
const largestBytes = 16 * 1024 * 1024
/** How much is kept for frames to come: more than the largest requests that one client has under way. */
const maxSpareBytes = 128 * 1024 * 1024
/** A frame may get memory that is so many times as large, before new memory is taken. */
const maxExcess = 4

/**
 * Memory for large frames, in powers of two, that is used again once a request is answered. New memory at the rate of the
 * network has the collector look through the whole heap again and again.
 */
export class FramePool {
  readonly #spare = new Map<number, Buffer[]>()
  readonly #own = new WeakSet<ArrayBufferLike>()
  #spareBytes = 0

  /** So many bytes with any content. */
  take(sizeBytes: number): Buffer {
    if (!isPooled(sizeBytes)) return Buffer.allocUnsafe(sizeBytes)
    const spare = this.#spareFor(sizeBytes)?.pop()
    if (spare !== undefined) {
      this.#spareBytes -= spare.length
      return spare.subarray(0, sizeBytes)
    }
    const made = Buffer.allocUnsafeSlow(wholeSize(sizeBytes))
    this.#own.add(made.buffer)
    return made.subarray(0, sizeBytes)
  }

  /** Whether a frame of this size costs nothing now. */
  hasSpare(sizeBytes: number): boolean {
    return isPooled(sizeBytes) && this.#spareFor(sizeBytes) !== undefined
  }

  /** Takes a frame back of which nobody has a slice any more; what was not taken here is ignored. */
  giveBack({ buffer }: Buffer): void {
    const wholeBytes = buffer.byteLength
    if (!this.#own.has(buffer) || this.#spareBytes + wholeBytes > maxSpareBytes) return
    let spare = this.#spare.get(wholeBytes)
    if (spare === undefined) this.#spare.set(wholeBytes, (spare = []))
    spare.push(Buffer.from(buffer))
    this.#spareBytes += wholeBytes
  }

  #spareFor(sizeBytes: number): Buffer[] | undefined {
    const smallest = wholeSize(sizeBytes)
    for (let wholeBytes = smallest; wholeBytes <= smallest * maxExcess; wholeBytes *= 2) {
      const spare = this.#spare.get(wholeBytes)
      if (spare !== undefined && spare.length > 0) return spare
    }
    return undefined
  }
}

function isPooled(sizeBytes: number): boolean {
  return sizeBytes >= smallestBytes && sizeBytes <= largestBytes
}

function wholeSize(sizeBytes: number): number {
  return 2 ** Math.ceil(Math.log2(sizeBytes))
}
