/** The largest share of the whole that one slab takes, so that what is thrown away together is not much. */
const SLABS = 8
const MAX_SLAB_BYTES = 32 * 1024 * 1024
/** So many slabs that hold nothing are kept for what comes next; more are left to the garbage collector. */
const MAX_SPARE_SLABS = 4

/**
 * A large piece of memory that several pieces share and that is used again once nobody reads or writes any of them.
 * Whoever gets bytes of a slab either holds it for as long as it uses them, or calls `neverReuse`.
 */
export interface Slab {
  readonly sizeBytes: number
  /** Keeps the bytes as they are until the matching `release`. */
  hold(): void
  release(): void
  /** The bytes were given to somebody who does not say when they are done with: they stay as they are. */
  neverReuse(): void
}

/** A piece of memory; it has no slab when it is too large for one. Its slab is held by whoever took it. */
export interface Piece {
  readonly bytes: Buffer
  readonly slab: Slab | undefined
}

/**
 * Memory for what comes at the rate of the network. Were it allocated each time, the collector would look through the whole
 * heap for each few megabytes of it, which took more processor time than all the rest: V8 counts memory outside of its
 * heap, but cannot tell that it is in a few large pieces.
 */
export class SlabPool {
  readonly #slabBytes: number
  readonly #spare: PooledSlab[] = []
  #current: PooledSlab | undefined

  /** @param totalBytes about how much is in use at a time */
  constructor(totalBytes: number) {
    this.#slabBytes = Math.min(MAX_SLAB_BYTES, Math.floor(totalBytes / SLABS))
  }

  /** A piece of memory with any content. */
  take(sizeBytes: number): Piece {
    if (sizeBytes > this.#slabBytes) return { bytes: Buffer.allocUnsafeSlow(sizeBytes), slab: undefined }
    const slab = this.#slabWithRoom(sizeBytes)
    slab.hold()
    return { bytes: slab.cut(sizeBytes), slab }
  }

  #slabWithRoom(sizeBytes: number): PooledSlab {
    const last = this.#current
    if (last !== undefined && last.leftBytes >= sizeBytes) return last
    this.#current = undefined
    last?.close()
    this.#current = this.#spare.pop() ?? new PooledSlab(this.#slabBytes, slab => this.#takeBack(slab))
    return this.#current
  }

  #takeBack(slab: PooledSlab): void {
    if (this.#spare.length < MAX_SPARE_SLABS) this.#spare.push(slab)
  }
}

class PooledSlab implements Slab {
  readonly #bytes: Buffer
  readonly #takeBack: (slab: PooledSlab) => void
  #usedBytes = 0
  #holds = 0
  /** More pieces are cut from it. */
  #isOpen = true
  #isReusable = true

  constructor(sizeBytes: number, takeBack: (slab: PooledSlab) => void) {
    this.#bytes = Buffer.allocUnsafeSlow(sizeBytes)
    this.#takeBack = takeBack
  }

  get sizeBytes(): number {
    return this.#bytes.length
  }

  get leftBytes(): number {
    return this.#bytes.length - this.#usedBytes
  }

  cut(sizeBytes: number): Buffer {
    const start = this.#usedBytes
    this.#usedBytes += sizeBytes
    return this.#bytes.subarray(start, start + sizeBytes)
  }

  hold(): void {
    this.#holds++
  }

  release(): void {
    this.#holds--
    this.#considerReuse()
  }

  neverReuse(): void {
    this.#isReusable = false
  }

  /** No more pieces are cut from it. */
  close(): void {
    this.#isOpen = false
    this.#considerReuse()
  }

  #considerReuse(): void {
    if (this.#holds > 0 || this.#isOpen || !this.#isReusable) return
    this.#isOpen = true
    this.#usedBytes = 0
    this.#takeBack(this)
  }
}

/** The slabs that one reader holds. */
export class Holds {
  readonly #slabs = new Set<Slab>()

  add(slab: Slab): void {
    if (this.#slabs.has(slab)) return
    slab.hold()
    this.#slabs.add(slab)
  }

  /** Lets all go; others may be added afterwards. */
  release(): void {
    for (const slab of this.#slabs) slab.release()
    this.#slabs.clear()
  }
}
