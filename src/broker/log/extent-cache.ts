import type { Extent } from '../../metadata/index.ts'
import type { ObjectStore } from '../../storage/index.ts'
import { placeExtent } from './place-extent.ts'

/** Ranges of one object that are closer than this are read in one go. */
const JOIN_GAP_BYTES = 256 * 1024
/** No read joins more than this. */
const MAX_READ_BYTES = 16 * 1024 * 1024
/** What an entry takes beside its bytes, roughly. */
const ENTRY_OVERHEAD_BYTES = 512

type ExtentName = `${string}@${number}`

/** One piece of memory and the extents that lie in it; it goes as a whole. */
interface Block {
  readonly sizeBytes: number
  readonly extents: Map<ExtentName, Buffer>
}

/**
 * The bytes of extents, with their offsets in place, as they were written or read lately. Extents that are asked for by
 * several at once are read once.
 */
export class ExtentCache {
  readonly #store: ObjectStore
  readonly #maxBytes: number
  /** Where each extent is, in the order of last use; blocks go when their oldest extent's turn comes. */
  readonly #blocks = new Map<ExtentName, Block>()
  readonly #loading = new Map<ExtentName, Promise<Buffer>>()
  #sizeBytes = 0

  constructor(store: ObjectStore, maxBytes: number) {
    this.#store = store
    this.#maxBytes = maxBytes
  }

  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** The extent's bytes if they are at hand. */
  get(extent: Extent): Buffer | undefined {
    const name = nameOf(extent)
    const block = this.#blocks.get(name)
    if (!block) return undefined
    this.#blocks.delete(name)
    this.#blocks.set(name, block)
    return block.extents.get(name)
  }

  /** Takes extents that lie in one buffer, which does not change from now on; `at` is the buffer's place in the object. */
  insert(buffer: Buffer, at: number, extents: readonly Extent[]): void {
    const block: Block = { sizeBytes: buffer.length + extents.length * ENTRY_OVERHEAD_BYTES, extents: new Map() }
    for (const extent of extents) {
      const name = nameOf(extent)
      const start = extent.position - at
      const bytes = buffer.subarray(start, start + extent.sizeBytes)
      // Also where the extent is known already: who committed it may have heard of that while a reader was loading it, and
      // that reader is given these bytes.
      placeExtent(bytes, extent)
      if (this.#blocks.has(name)) continue
      block.extents.set(name, bytes)
      this.#blocks.set(name, block)
    }
    if (block.extents.size === 0) return
    this.#sizeBytes += block.sizeBytes
    while (this.#sizeBytes > this.#maxBytes && this.#blocks.size > 0) {
      this.#remove(this.#blocks.values().next().value!)
    }
  }

  /** The bytes of each extent, from memory or from the store. Rejects with a StorageError. */
  load(extents: readonly Extent[]): Promise<Buffer[]> {
    const missing: Extent[] = []
    const found = extents.map(extent => {
      const bytes = this.get(extent) ?? this.#loading.get(nameOf(extent))
      if (!bytes) missing.push(extent)
      return bytes
    })
    if (missing.length > 0) {
      for (const run of joinRanges(missing)) this.#read(run)
      extents.forEach((extent, index) => {
        found[index] ??= this.#loading.get(nameOf(extent))
      })
    }
    return Promise.all(found.map(async bytes => bytes!))
  }

  /** Starts reading extents of one object that lie close together. */
  #read(run: readonly Extent[]): void {
    const { key, position } = run[0]!
    const end = Math.max(...run.map(extent => extent.position + extent.sizeBytes))
    const reading = this.#store.get(key, { position, length: end - position }).then(buffer => {
      this.insert(buffer, position, run)
      return buffer
    })
    for (const extent of run) {
      const name = nameOf(extent)
      const start = extent.position - position
      const bytes = reading
        .then(buffer => buffer.subarray(start, start + extent.sizeBytes))
        .finally(() => this.#loading.delete(name))
      this.#loading.set(name, bytes)
    }
  }

  #remove(block: Block): void {
    for (const name of block.extents.keys()) this.#blocks.delete(name)
    this.#sizeBytes -= block.sizeBytes
  }
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
