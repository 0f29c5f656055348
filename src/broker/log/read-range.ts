import type { Extent } from '../../metadata/index.ts'
import type { ObjectReads } from '../../storage/index.ts'
import type { Piece, Slab } from './slabs.ts'

/** A range of an object that is being read. */
export interface RangeRead {
  /** Position of the range in the object. */
  readonly position: number
  /** The bytes of the range, or fewer if the object ends earlier. Rejects with a StorageError. */
  readonly bytes: Promise<Buffer>
  /** The memory that it is read into, if pooled; the caller releases it. */
  readonly slab: Slab | undefined
}

/**
 * Starts to read the range that contains some extents of one object, in whole blocks of the store. `take` supplies the
 * memory for a number of bytes, if the store accepts any.
 */
export function readRange(
  store: ObjectReads,
  extents: readonly Extent[],
  take: (sizeBytes: number) => Piece,
): RangeRead {
  const { key } = extents[0]!
  const { blockBytes = 1, readsInto } = store
  const start = Math.min(...extents.map(extent => extent.position))
  const end = Math.max(...extents.map(extent => extent.position + extent.sizeBytes))
  const position = Math.floor(start / blockBytes) * blockBytes
  const length = Math.ceil((end - position) / blockBytes) * blockBytes
  // The object may end inside the last block.
  const range = { position, length, ...(blockBytes > 1 && { orLess: true }) }
  const piece = readsInto === true ? take(length) : undefined
  return { position, bytes: store.get(key, range, undefined, piece?.bytes), slab: piece?.slab }
}

/** The extent's part of a range whose position in the object is `at`. */
export function bytesOf({ position, sizeBytes }: Extent, range: Buffer, at: number): Buffer {
  return range.subarray(position - at, position - at + sizeBytes)
}
