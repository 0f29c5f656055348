/** Smaller frames, in bytes, are left to Node, which has its own pool for them. */
const smallestBytes = 32 * 1024
const largestBytes = 16 * 1024 * 1024
/** Maximum bytes kept for reuse: more than the largest requests that one client has in flight. */
const maxSpareBytes = 128 * 1024 * 1024
/** A frame may use a spare buffer up to this many times its size before a new one is allocated. */
const maxExcess = 4

/**
 * Pool of buffers for large frames, in powers of two, that are reused once a request is answered. Allocating at network
 * speed would make the garbage collector scan the heap again and again.
 */
export class FramePool {
  readonly #spare = new Map<number, Buffer[]>()
  readonly #own = new WeakSet<ArrayBufferLike>()
  #spareBytes = 0

  /** Returns an uninitialised buffer of this length. */
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

  /** Whether a frame of this size needs no allocation now. */
  hasSpare(sizeBytes: number): boolean {
    return isPooled(sizeBytes) && this.#spareFor(sizeBytes) !== undefined
  }

  /** Returns a frame to the pool once nothing refers to a slice of it; buffers from elsewhere are ignored. */
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
