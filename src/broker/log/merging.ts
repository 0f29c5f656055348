import type { Cleaning, Extent, MergeCandidate, Metadata } from '../../metadata/index.ts'
import { type ObjectStore, StorageError } from '../../storage/index.ts'
import { writeObjectIndex } from './object-index.ts'
import { checkExtent, CorruptObjectError, placeExtent } from './place-extent.ts'

/** Number of objects that are read concurrently. */
const READS_TOGETHER = 16
/** Maximum size of a joined extent, because readers load extents whole. */
const MAX_EXTENT_BYTES = 4 * 1024 * 1024

/** Told of an object that is damaged or gone. */
type OnLost = (key: string, error: unknown) => void

/**
 * Rewrites the live data of objects into a new one, in which all records of a partition are contiguous: that
 * leaves fewer objects, fewer extents to store, and fewer reads for consumers that are behind, and reclaims
 * the space of objects that are mostly garbage. Offsets and batches do not change. Damaged or missing
 * objects are left alone and passed to `onLost`, so that they neither block the merging of others nor contaminate
 * sound records. Resolves to whether there was anything to merge.
 */
export async function mergeObjects(
  metadata: Metadata,
  store: ObjectStore,
  candidates: readonly MergeCandidate[],
  newObject: () => { key: string; epoch: number },
  now: number,
  onLost: OnLost,
): Promise<boolean> {
  const objects = await readObjects(store, candidates, onLost)
  // A single object would only be copied again and again while damaged ones make up the number worth merging.
  if (candidates.length === 0 || objects.length < Math.min(2, candidates.length)) return false
  const pieces = objects.flat()
  pieces.sort((a, b) => a.extent.partition - b.extent.partition || a.extent.baseOffset - b.extent.baseOffset)

  const extents = pieces.map(({ extent }) => extent)
  const body = pieces.map(({ bytes }) => bytes)
  return replaceExtents(metadata, store, newObject(), body, extents, extents, now)
}

interface Piece {
  readonly extent: Extent
  /** With offsets, and the time for LogAppendTime, set. */
  readonly bytes: Buffer
}

async function readObjects(
  store: ObjectStore,
  candidates: readonly MergeCandidate[],
  onLost: OnLost,
): Promise<(readonly Piece[])[]> {
  const objects: (readonly Piece[])[] = []
  for (let start = 0; start < candidates.length; start += READS_TOGETHER) {
    const some = candidates.slice(start, start + READS_TOGETHER)
    const read = await Promise.all(some.map(candidate => readObject(store, candidate, onLost)))
    objects.push(...read.filter(pieces => pieces !== undefined))
  }
  return objects
}

/** The pieces of one object; undefined if it is damaged or gone. */
async function readObject(
  store: ObjectStore,
  { key, extents }: MergeCandidate,
  onLost: OnLost,
): Promise<readonly Piece[] | undefined> {
  try {
    const object = await store.get(key)
    return extents.map(extent => {
      const bytes = object.subarray(extent.position, extent.position + extent.sizeBytes)
      checkExtent(bytes, extent)
      placeExtent(bytes, extent)
      return { extent, bytes }
    })
  } catch (error) {
    const isLost = error instanceof CorruptObjectError || (error instanceof StorageError && error.code === 'not_found')
    if (!isLost) throw error
    onLost(key, error)
    return undefined
  }
}

/**
 * Puts an object with `body`, whose layout is `extents` in order, and replaces the extents that it was built from.
 * `now` is in milliseconds since 1970. Resolves to false if some of them expired or were replaced by another process in
 * the meantime; the object is deleted then.
 */
export async function replaceExtents(
  metadata: Metadata,
  store: ObjectStore,
  { key, epoch }: { readonly key: string; readonly epoch: number },
  body: readonly Buffer[],
  extents: readonly Extent[],
  replaced: readonly Extent[],
  now: number,
  cleaning?: Cleaning,
): Promise<boolean> {
  const sizeBytes = body.reduce((sum, { length }) => sum + length, 0)
  // Its sources become garbage afterwards, so a full disk must not prevent this write.
  const laidOut = layOut(key, extents)
  const runs = laidOut.map(extent => ({ ...extent, offsets: extent }))
  await store.put(key, [...body, writeObjectIndex(now, runs, metadata.catalog())], { fromReserve: true })
  const isTaken = await metadata.replaceExtents({ key, sizeBytes, epoch, extents: laidOut }, replaced, cleaning)
  if (!isTaken) await store.delete([key])
  return isTaken
}

/** The layout of extents written one after another, joined where their offsets are consecutive. */
function layOut(key: string, extents: readonly Extent[]): Extent[] {
  const laidOut: Extent[] = []
  let position = 0
  for (const extent of extents) {
    const last = laidOut.at(-1)
    const follows = last?.partition === extent.partition && last.lastOffset + 1 === extent.baseOffset
    if (follows && last.sizeBytes + extent.sizeBytes <= MAX_EXTENT_BYTES) {
      laidOut[laidOut.length - 1] = {
        ...last,
        lastOffset: extent.lastOffset,
        sizeBytes: last.sizeBytes + extent.sizeBytes,
        maxTimestamp: Math.max(last.maxTimestamp, extent.maxTimestamp),
      }
    } else {
      // Their batches now contain the time.
      laidOut.push({ ...extent, key, position, appendTimestamp: -1 })
    }
    position += extent.sizeBytes
  }
  return laidOut
}
