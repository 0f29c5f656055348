import type { Extent } from '../../metadata/index.ts'
import type { ObjectStore } from '../../storage/index.ts'
import { checkExtent, placeExtent } from './place-extent.ts'
import type { Holds, Slab, SlabPool } from './slabs.ts'

/** Ranges of one object that are closer than this are read in one go. */
const JOIN_GAP_BYTES = 256 * 1024
/** No read joins more than this. */
const MAX_READ_BYTES = 16 * 1024 * 1024
/** What an entry takes beside its bytes, roughly. */
const ENTRY_OVERHEAD_BYTES = 512

/** Where ranges of objects are read from. */
export type Reads = Pick<ObjectStore, 'get' | 'readsInto'>

type ExtentName = `${string}@${number}`

/** What was written here, or read from the store: a reader that is far behind is not to push out what was written last. */
type Origin = 'written' | 'read'

/** One piece of memory and the extents that lie in it; it goes as a whole. */
interface Block {
  readonly origin: Origin
  /** Grows with each use of any block. */
  usedAt: number
  sizeBytes: number
  readonly extents: Map<ExtentName, Buffer>
  /** Where the memory is one that is used again. */
  readonly slab: Slab | undefined
}

/** An extent on its way from the store. */
interface Loading {
  readonly bytes: Promise<Buffer>
  /** What they are read into, if it can be used again; held until they are in the cache. */
  readonly slab: Slab | undefined
}

/**
 * The bytes of extents, with their offsets in place, as they were written or read lately. What was read takes half of the room at
 * most when there is not enough for all. Extents that are asked for by several at once are read once.
 */
export class ExtentCache {
  readonly #store: Reads
  readonly #maxBytes: number
  readonly #slabs: SlabPool
  readonly #extents = new Map<ExtentName, Block>()
  /** In the order of last use. */
  readonly #blocks: Readonly<Record<Origin, Set<Block>>> = { written: new Set(), read: new Set() }
  readonly #blocksOfSlabs = new Map<Slab, Block>()
  readonly #loading = new Map<ExtentName, Loading>()
  readonly #sizeBytes: Record<Origin, number> = { written: 0, read: 0 }
  #uses = 0

  constructor(store: Reads, maxBytes: number, slabs: SlabPool) {
    this.#store = store
    this.#maxBytes = maxBytes
    this.#slabs = slabs
  }

  get sizeBytes(): number {
    return this.#sizeBytes.written + this.#sizeBytes.read
  }

  /** The extent's bytes if they are at hand. Without `holds` they may be kept for any time. */
  get(extent: Extent, holds?: Holds): Buffer | undefined {
    const name = nameOf(extent)
    const block = this.#extents.get(name)
    if (!block) return undefined
    this.#use(block)
    keep(block.slab, holds)
    return block.extents.get(name)
  }

  /** Whether the extent's bytes are at hand or on their way. */
  has(extent: Extent): boolean {
    const name = nameOf(extent)
    return this.#extents.has(name) || this.#loading.has(name)
  }

  /**
   * Takes extents that lie in one buffer, which does not change from now on; `at` is the buffer's place in the object,
   * `slab` the memory of which it is a piece.
   */
  insert(buffer: Buffer, at: number, extents: readonly Extent[], slab?: Slab): void {
    this.#insert('written', buffer, at, extents, slab)
  }

  #insert(origin: Origin, buffer: Buffer, at: number, extents: readonly Extent[], slab: Slab | undefined): void {
    const block = this.#blockFor(origin, buffer, slab)
    for (const extent of extents) {
      const name = nameOf(extent)
      const bytes = bytesOf(extent, buffer, at)
      // Also where the extent is known already: who committed it may have heard of that while a reader was loading it, and
      // that reader is given these bytes.
      placeExtent(bytes, extent)
      if (this.#extents.has(name)) continue
      this.#add(block, name, bytes)
    }
    while (this.sizeBytes > this.#maxBytes) {
      const oldest = this.#oldest()
      if (oldest === undefined) break
      this.#remove(oldest)
    }
  }

  /**
   * The bytes of each extent, from memory or from the store. Without `holds` they may be kept for any time. Rejects with a
   * StorageError.
   */
  load(extents: readonly Extent[], holds?: Holds): Promise<Buffer[]> {
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

  #join(extent: Extent, holds: Holds | undefined): Promise<Buffer> | undefined {
    const loading = this.#loading.get(nameOf(extent))
    keep(loading?.slab, holds)
    return loading?.bytes
  }

  /** Starts reading extents of one object that lie close together. */
  #read(run: readonly Extent[]): void {
    const { key, position } = run[0]!
    const end = Math.max(...run.map(extent => extent.position + extent.sizeBytes))
    const range = { position, length: end - position }
    const piece = this.#store.readsInto === true ? this.#slabs.takeForRange(range.length, position) : undefined
    const slab = piece?.slab
    const reading = this.#store
      .get(key, range, undefined, piece?.bytes)
      .then(buffer => {
        // Clients are not asked to check what disks and networks have done to it: many do not.
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

  /** The block that was not used for longest; one that was read where those take more than half. */
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

/** The extent's part of a buffer that lies at `at` in the object. */
function bytesOf({ position, sizeBytes }: Extent, buffer: Buffer, at: number): Buffer {
  return buffer.subarray(position - at, position - at + sizeBytes)
}

/** Keeps memory as it is: until `holds` are released, or for any time without them. */
function keep(slab: Slab | undefined, holds: Holds | undefined): void {
  if (slab === undefined) return
  if (holds === undefined) slab.neverReuse()
  else holds.add(slab)
}

function nameOf({ key, position }: Extent): ExtentName {
  return `${key}@${position}`
}

/** Groups extents into ranges that are worth one read each. */
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
