import { DISK_BLOCK_BYTES, directMemory } from '../../storage/index.ts'

/** The largest share of the whole that one slab takes, so that what is thrown away together is not much. */
const SLABS = 8
const MAX_SLAB_BYTES = 32 * 1024 * 1024
/** So many slabs that hold nothing are kept for what comes next; more are left to the garbage collector. */
const MAX_SPARE_SLABS = 4
/** So many are taken together: the collector looks through the heap whenever such memory is taken, which takes no room until it is used. */
const SLABS_TOGETHER = 8
/** Smaller slabs are not worth the addresses that direct memory takes. */
const MIN_DIRECT_BYTES = 1024 * 1024
/** Pieces of this size are cut so that a disk can read and write them directly. */
const ALIGNED_BYTES = 64 * 1024

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
 * heap, but cannot tell that it is in a few large pieces. It is direct memory, so that files are written and read without
 * a copy (docs/adr/0025-memory.md).
 */
export class SlabPool {
  readonly #slabBytes: number
  readonly #spare: PooledSlab[] = []
  /** What is cut now: one for what is written and one for what is read, which the cache keeps for different times. */
  readonly #current = new Map<'written' | 'read', PooledSlab>()
  /** So many slabs are of direct memory at a time; the collector sees to others, which have fallen out of use. */
  readonly #maxDirectSlabs: number
  #directSlabs = 0
  /** Memory of slabs that are still to be made. */
  readonly #uncut: Buffer[] = []
  readonly #collected = new FinalizationRegistry<undefined>(() => {
    this.#directSlabs -= SLABS_TOGETHER
  })

  /** @param totalBytes about how much is in use at a time */
  constructor(totalBytes: number) {
    const slabBytes = Math.min(MAX_SLAB_BYTES, Math.floor(totalBytes / SLABS))
    this.#slabBytes = slabBytes < MIN_DIRECT_BYTES ? slabBytes : slabBytes - (slabBytes % DISK_BLOCK_BYTES)
    this.#maxDirectSlabs = 2 * Math.floor(totalBytes / this.#slabBytes)
  }

  /** A piece of memory with any content, for what will be written. */
  take(sizeBytes: number): Piece {
    return this.#take('written', sizeBytes, 0)
  }

  /** A piece of memory for a range of a file that begins at `position`: a large one is read into it directly. */
  takeForRange(sizeBytes: number, position: number): Piece {
    return this.#take('read', sizeBytes, position % DISK_BLOCK_BYTES)
  }

  #take(use: 'written' | 'read', sizeBytes: number, blockOffset: number): Piece {
    const offset = sizeBytes < ALIGNED_BYTES ? undefined : blockOffset
    if (sizeBytes + (offset ?? 0) > this.#slabBytes) {
      return { bytes: Buffer.allocUnsafeSlow(sizeBytes), slab: undefined }
    }
    const slab = this.#slabWithRoom(use, sizeBytes, offset)
    slab.hold()
    return { bytes: slab.cut(sizeBytes, offset), slab }
  }

  #slabWithRoom(use: 'written' | 'read', sizeBytes: number, offset: number | undefined): PooledSlab {
    const last = this.#current.get(use)
    if (last?.hasRoom(sizeBytes, offset) === true) return last
    this.#current.delete(use)
    last?.close()
    const next = this.#spare.pop() ?? new PooledSlab(this.#newMemory(), slab => this.#takeBack(slab))
    this.#current.set(use, next)
    return next
  }

  #newMemory(): Buffer {
    const whole = this.#uncut.pop()
    if (whole !== undefined) return whole
    if (this.#slabBytes < MIN_DIRECT_BYTES || this.#directSlabs >= this.#maxDirectSlabs) {
      return Buffer.allocUnsafeSlow(this.#slabBytes)
    }
    const memory = directMemory(this.#slabBytes * SLABS_TOGETHER)
    this.#directSlabs += SLABS_TOGETHER
    this.#collected.register(memory.buffer, undefined)
    for (let end = memory.length; end > 0; end -= this.#slabBytes) {
      this.#uncut.push(memory.subarray(end - this.#slabBytes, end))
    }
    return this.#uncut.pop()!
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

  constructor(bytes: Buffer, takeBack: (slab: PooledSlab) => void) {
    this.#bytes = bytes
    this.#takeBack = takeBack
  }

  get sizeBytes(): number {
    return this.#bytes.length
  }

  hasRoom(sizeBytes: number, offset: number | undefined): boolean {
    return this.#nextStart(offset) + sizeBytes <= this.#bytes.length
  }

  /** @param offset where the piece begins in a block of the disk; anywhere if undefined */
  cut(sizeBytes: number, offset: number | undefined): Buffer {
    const start = this.#nextStart(offset)
    this.#usedBytes = start + sizeBytes
    return this.#bytes.subarray(start, this.#usedBytes)
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

  #nextStart(offset: number | undefined): number {
    if (offset === undefined) return this.#usedBytes
    return Math.ceil((this.#usedBytes - offset) / DISK_BLOCK_BYTES) * DISK_BLOCK_BYTES + offset
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
