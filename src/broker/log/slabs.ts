import { DISK_BLOCK_BYTES, directMemory, populate } from '../../storage/index.ts'

/** A slab takes at most this fraction of the total, so that little is evicted together. */
const SLABS = 8
const MAX_SLAB_BYTES = 32 * 1024 * 1024
/** Maximum number of empty slabs that are kept for reuse; further ones are left to the garbage collector. */
const MAX_SPARE_SLABS = 4
/**
 * Slabs are allocated in groups of this size: each such allocation makes the collector scan the heap,
 * and memory takes no space until it is used.
 */
const SLABS_TOGETHER = 8
/** Number of unused slabs whose memory is populated ahead of its use, … */
const POPULATED_SLABS = 2
/** … once this part of a slab is in use. A process that stores little does not need a second slab. */
const POPULATE_FROM = 1 / 4
/** Smaller slabs are not worth the address space that direct memory takes. */
const MIN_DIRECT_BYTES = 1024 * 1024
/** Pieces of at least this size are aligned so that a disk can read and write them directly. */
const ALIGNED_BYTES = 64 * 1024

/**
 * A large piece of memory that is shared by several pieces and reused once none of them is being read or written. A
 * user of a slab's bytes either holds the slab for as long as it uses them, or calls `neverReuse`.
 */
export interface Slab {
  readonly sizeBytes: number
  /** Keeps the bytes unchanged until the matching `release`. */
  hold(): void
  release(): void
  /** For bytes given to a caller that does not report when it is done with them: they never change. */
  neverReuse(): void
}

/** A piece of memory; without a slab if it is too large for one. The caller of the pool holds the slab. */
export interface Piece {
  readonly bytes: Buffer
  readonly slab: Slab | undefined
}

/** Pieces of one slab are released at about the same time: what the cache keeps as written, as read, or not at all. */
type SlabUse = 'written' | 'read' | 'moved'

/**
 * Pooled memory for data that arrives at network speed. If it were allocated each time, V8 would collect garbage
 * every few megabytes, which took more processor time than everything else: it counts memory outside its heap, but
 * cannot tell that it consists of a few large pieces. The memory is direct, so that files are written and read
 * without copying (docs/adr/0025-memory.md).
 */
export class SlabPool {
  readonly #slabBytes: number
  readonly #spare: PooledSlab[] = []
  /** The slabs being cut: one for each use, because their pieces are kept for different times. */
  readonly #current = new Map<SlabUse, PooledSlab>()
  /** Maximum number of slabs in direct memory; slabs that fell out of use are left to the collector. */
  readonly #maxDirectSlabs: number
  #directSlabs = 0
  /** Memory of slabs that are not created yet. */
  readonly #uncut: Buffer[] = []
  /** The part of it that is populated. */
  readonly #populated: Buffer[] = []
  #isPopulating = false
  readonly #collected = new FinalizationRegistry<undefined>(() => {
    this.#directSlabs -= SLABS_TOGETHER
  })

  /** @param totalBytes approximate number of bytes in use at a time */
  constructor(totalBytes: number) {
    const slabBytes = Math.min(MAX_SLAB_BYTES, Math.floor(totalBytes / SLABS))
    this.#slabBytes = slabBytes < MIN_DIRECT_BYTES ? slabBytes : slabBytes - (slabBytes % DISK_BLOCK_BYTES)
    this.#maxDirectSlabs = 2 * Math.floor(totalBytes / this.#slabBytes)
  }

  /** Returns a piece of uninitialised memory for data to be written. */
  take(sizeBytes: number): Piece {
    return this.#take('written', sizeBytes)
  }

  /** Like `take`, for data to be read. */
  takeForReading(sizeBytes: number): Piece {
    return this.#take('read', sizeBytes)
  }

  /** Like `take`, for data that is moved to another object and does not enter the cache. */
  takeForMoving(sizeBytes: number): Piece {
    return this.#take('moved', sizeBytes)
  }

  #take(use: SlabUse, sizeBytes: number): Piece {
    if (sizeBytes > this.#slabBytes) return { bytes: Buffer.allocUnsafeSlow(sizeBytes), slab: undefined }
    const slab = this.#slabWithRoom(use, sizeBytes)
    slab.hold()
    const bytes = slab.cut(sizeBytes)
    if (slab.usedBytes >= this.#slabBytes * POPULATE_FROM && this.#spare.length === 0) void this.#populate()
    return { bytes, slab }
  }

  #slabWithRoom(use: SlabUse, sizeBytes: number): PooledSlab {
    const last = this.#current.get(use)
    if (last?.hasRoom(sizeBytes) === true) return last
    this.#current.delete(use)
    last?.close()
    const next = this.#spare.pop() ?? new PooledSlab(this.#newMemory(), slab => this.#takeBack(slab))
    this.#current.set(use, next)
    return next
  }

  #newMemory(): Buffer {
    return this.#populated.pop() ?? this.#unusedMemory() ?? Buffer.allocUnsafeSlow(this.#slabBytes)
  }

  /** Populates the memory of the next slabs, so that whoever fills them does not wait for each page. */
  async #populate(): Promise<void> {
    if (this.#isPopulating) return
    this.#isPopulating = true
    while (this.#populated.length < POPULATED_SLABS) {
      // Not in the list meanwhile: nobody else may use it.
      const memory = this.#unusedMemory()
      if (memory === undefined) break
      await populate(memory)
      this.#populated.push(memory)
    }
    this.#isPopulating = false
  }

  /** Direct memory of a slab's size, unless there are enough such slabs. */
  #unusedMemory(): Buffer | undefined {
    const whole = this.#uncut.pop()
    if (whole !== undefined) return whole
    if (this.#slabBytes < MIN_DIRECT_BYTES || this.#directSlabs >= this.#maxDirectSlabs) return undefined
    const memory = directMemory(this.#slabBytes * SLABS_TOGETHER)
    this.#directSlabs += SLABS_TOGETHER
    this.#collected.register(memory.buffer, undefined)
    for (let end = memory.length; end > 0; end -= this.#slabBytes) {
      this.#uncut.push(memory.subarray(end - this.#slabBytes, end))
    }
    return this.#uncut.pop()
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
  /** Whether more pieces are cut from it. */
  #isOpen = true
  #isReusable = true

  constructor(bytes: Buffer, takeBack: (slab: PooledSlab) => void) {
    this.#bytes = bytes
    this.#takeBack = takeBack
  }

  get sizeBytes(): number {
    return this.#bytes.length
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  hasRoom(sizeBytes: number): boolean {
    return this.#nextStart(sizeBytes) + sizeBytes <= this.#bytes.length
  }

  cut(sizeBytes: number): Buffer {
    const start = this.#nextStart(sizeBytes)
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

  /** Stops cutting pieces from it. */
  close(): void {
    this.#isOpen = false
    this.#considerReuse()
  }

  /** Large pieces are aligned to blocks of the disk. */
  #nextStart(sizeBytes: number): number {
    if (sizeBytes < ALIGNED_BYTES) return this.#usedBytes
    return Math.ceil(this.#usedBytes / DISK_BLOCK_BYTES) * DISK_BLOCK_BYTES
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

  /** Releases all slabs; others may be added afterwards. */
  release(): void {
    for (const slab of this.#slabs) slab.release()
    this.#slabs.clear()
  }
}

/** Runs `use` with holds that are released when its promise settles. */
export async function holding<Result>(use: (holds: Holds) => Promise<Result>): Promise<Result> {
  const holds = new Holds()
  try {
    return await use(holds)
  } finally {
    holds.release()
  }
}
