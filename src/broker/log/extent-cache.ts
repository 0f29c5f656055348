import type { Extent } from '../../metadata/index.ts'
import type { ObjectReads } from '../../storage/index.ts'
import { checkExtent, placeExtent } from './place-extent.ts'
import { bytesOf, readRange } from './read-range.ts'
import type { Holds, Slab, SlabPool } from './slabs.ts'

/** Ranges of one object closer together than this many bytes are read in one request. */
const JOIN_GAP_BYTES = 256 * 1024
/** Maximum size of a joined read, in bytes. */
const MAX_READ_BYTES = 16 * 1024 * 1024
/** Approximate overhead per entry, in bytes: memory of the heap, which is much smaller than that of the machine. */
const ENTRY_OVERHEAD_BYTES = 512
const MAX_OVERHEAD_BYTES = 128 * 1024 * 1024

type ExtentName = `${string}@${number}`

/** Written here, or read from the store: a reader that is far behind must not evict what was written last. */
type Origin = 'written' | 'read'

/** One piece of memory and its extents; it is evicted as a whole. */
interface Block {
  readonly origin: Origin
  /** Increases with each use of any block. */
  usedAt: number
  sizeBytes: number
  readonly extents: Map<ExtentName, Buffer>
  /** Set if the memory is pooled. */
  readonly slab: Slab | undefined
}

/** An extent being read from the store. */
interface Loading {
  readonly bytes: Promise<Buffer>
  /** The memory it is read into, if pooled; held until the bytes are in the cache. */
  readonly slab: Slab | undefined
}

/**
 * Caches the bytes of recently written and read extents, with their offsets set. When space is short, extents that were
 * read take at most half of it. Concurrent requests for an extent share one read.
 */
export class ExtentCache {
  readonly #store: ObjectReads
  readonly #maxBytes: number
  readonly #maxExtents: number
  readonly #slabs: SlabPool
  readonly #extents = new Map<ExtentName, Block>()
  /** In the order of last use. */
  readonly #blocks: Readonly<Record<Origin, Set<Block>>> = { written: new Set(), read: new Set() }
  readonly #blocksOfSlabs = new Map<Slab, Block>()
  readonly #loading = new Map<ExtentName, Loading>()
  readonly #sizeBytes: Record<Origin, number> = { written: 0, read: 0 }
  #uses = 0

  constructor(
    store: ObjectReads,
    maxBytes: number,
    slabs: SlabPool,
    maxExtents = MAX_OVERHEAD_BYTES / ENTRY_OVERHEAD_BYTES,
  ) {
    this.#store = store
    this.#maxExtents = maxExtents
    this.#maxBytes = maxBytes
    this.#slabs = slabs
  }

  get sizeBytes(): number {
    return this.#sizeBytes.written + this.#sizeBytes.read
  }

  /** Returns the extent's bytes if cached; they are valid until `holds` are released. */
  get(extent: Extent, holds: Holds): Buffer | undefined {
    const name = nameOf(extent)
    const block = this.#extents.get(name)
    if (!block) return undefined
    this.#use(block)
    if (block.slab !== undefined) holds.add(block.slab)
    return block.extents.get(name)
  }

  /** Whether the extent's bytes are cached or being loaded. */
  has(extent: Extent): boolean {
    const name = nameOf(extent)
    return this.#extents.has(name) || this.#loading.has(name)
  }

  /**
   * Inserts extents from one buffer, which must not change from now on; `at` is the buffer's position in the object,
   * `slab` the slab that it was cut from.
   */
  insert(buffer: Buffer, at: number, extents: readonly Extent[], slab?: Slab): void {
    this.#insert('written', buffer, at, extents, slab)
  }

  #insert(origin: Origin, buffer: Buffer, at: number, extents: readonly Extent[], slab: Slab | undefined): void {
    const block = this.#blockFor(origin, buffer, slab)
    for (const extent of extents) {
      const name = nameOf(extent)
      const bytes = bytesOf(extent, buffer, at)
      // Needed even if the extent is already cached: a reader may have started to load it before its writer learnt of
      // the commit, and that reader receives these bytes.
      placeExtent(bytes, extent)
      if (this.#extents.has(name)) continue
      this.#add(block, name, bytes)
    }
    while (this.sizeBytes > this.#maxBytes || this.#extents.size > this.#maxExtents) {
      const oldest = this.#oldest()
      if (oldest === undefined) break
      this.#remove(oldest)
    }
  }

  /**
   * Returns the bytes of each extent, from memory or from the store; they are valid until `holds` are released.
   * Rejects with a StorageError, or a CorruptObjectError if a checksum does not match.
   */
  load(extents: readonly Extent[], holds: Holds): Promise<Buffer[]> {
    const missing: Extent[] = []
    const found = extents.map(extent => {
      const bytes = this.get(extent, holds) ?? this.#join(extent, holds)
      if (!bytes) missing.push(extent)
      return bytes
    })
    if (missing.length > 0) {
      for (const run of joinRanges(missing)) this.#read(run)
      extents.forEach((extent, index) => {
        found[index] ??= this.#join(extent, holds)
      })
    }
    return Promise.all(found.map(async bytes => bytes!))
  }

  #join(extent: Extent, holds: Holds): Promise<Buffer> | undefined {
    const loading = this.#loading.get(nameOf(extent))
    if (loading?.slab !== undefined) holds.add(loading.slab)
    return loading?.bytes
  }

  /** Starts reading extents that are close together in one object. */
  #read(run: readonly Extent[]): void {
    const { position, bytes, slab } = readRange(this.#store, run, sizeBytes => this.#slabs.takeForReading(sizeBytes))
    const reading = bytes
      .then(buffer => {
        // Detects corruption by disks and networks here, because many clients do not verify checksums.
        for (const extent of run) checkExtent(bytesOf(extent, buffer, position), extent)
        this.#insert('read', buffer, position, run, slab)
        return buffer
      })
      .finally(() => slab?.release())
    for (const extent of run) {
      const name = nameOf(extent)
      const bytes = reading.then(buffer => bytesOf(extent, buffer, position)).finally(() => this.#loading.delete(name))
      this.#loading.set(name, { bytes, slab })
    }
  }

  #blockFor(origin: Origin, buffer: Buffer, slab: Slab | undefined): Block {
    const known = slab && this.#blocksOfSlabs.get(slab)
    return known ?? { origin, usedAt: 0, sizeBytes: slab?.sizeBytes ?? buffer.length, extents: new Map(), slab }
  }

  #add(block: Block, name: ExtentName, bytes: Buffer): void {
    const { origin } = block
    if (!this.#blocks[origin].has(block)) {
      this.#sizeBytes[origin] += block.sizeBytes
      if (block.slab !== undefined) {
        block.slab.hold()
        this.#blocksOfSlabs.set(block.slab, block)
      }
    }
    this.#use(block)
    block.extents.set(name, bytes)
    this.#extents.set(name, block)
    block.sizeBytes += ENTRY_OVERHEAD_BYTES
    this.#sizeBytes[origin] += ENTRY_OVERHEAD_BYTES
  }

  /** The least recently used block, but one that was read if those take more than half of the space. */
  #oldest(): Block | undefined {
    const written = this.#blocks.written.values().next().value
    const read = this.#blocks.read.values().next().value
    if (written === undefined || read === undefined) return written ?? read
    return this.#sizeBytes.read * 2 > this.#maxBytes || read.usedAt < written.usedAt ? read : written
  }

  #use(block: Block): void {
    block.usedAt = this.#uses++
    this.#blocks[block.origin].delete(block)
    this.#blocks[block.origin].add(block)
  }

  #remove(block: Block): void {
    for (const name of block.extents.keys()) this.#extents.delete(name)
    this.#blocks[block.origin].delete(block)
    this.#sizeBytes[block.origin] -= block.sizeBytes
    if (block.slab === undefined) return
    this.#blocksOfSlabs.delete(block.slab)
    block.slab.release()
  }
}

function nameOf({ key, position }: Extent): ExtentName {
  return `${key}@${position}`
}

/** Groups extents into ranges worth one read each. */
function joinRanges(extents: readonly Extent[]): Extent[][] {
  const runs: Extent[][] = []
  for (const ofObject of Map.groupBy(extents, ({ key }) => key).values()) {
    ofObject.sort((a, b) => a.position - b.position)
    let run: Extent[] = []
    let start = 0
    let end = 0
    for (const extent of ofObject) {
      const extentEnd = extent.position + extent.sizeBytes
      if (run.length === 0 || extent.position - end > JOIN_GAP_BYTES || extentEnd - start > MAX_READ_BYTES) {
        run = []
        runs.push(run)
        start = extent.position
      }
      run.push(extent)
      end = extentEnd
    }
  }
  return runs
}
