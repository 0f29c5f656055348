import type { Cleaning, Extent, MergeCandidate, Metadata, PartitionId } from '../../metadata/index.ts'
import { type ObjectStore, type Purpose, StorageError } from '../../storage/index.ts'
import type { TopicConfig } from '../topic-config.ts'
import { writeObjectIndex } from './object-index.ts'
import type { Pace } from './pace.ts'
import { checkExtent, CorruptObjectError, placeExtent } from './place-extent.ts'
import { bytesOf, readRange } from './read-range.ts'
import type { Piece, Slab, SlabPool } from './slabs.ts'

/** Number of objects that are read concurrently. */
const READS_TOGETHER = 16
/** Maximum size of a joined extent, because readers load extents whole. */
const MAX_EXTENT_BYTES = 4 * 1024 * 1024
/** Longest time in milliseconds for which records are checked and copied without a pause. Clients wait for as long. */
const SLICE_MS = 5

export interface MergeOptions {
  readonly metadata: Metadata
  readonly store: ObjectStore
  readonly slabs: SlabPool
  readonly pace: Pace
  readonly newObject: () => { key: string; epoch: number }
  /** Milliseconds since 1970. */
  readonly now: number
  readonly purpose: Purpose
  /** See {@link Replacement}. */
  readonly expiryStepMs: (partition: PartitionId) => number
  /** Told of an object that is damaged or gone. */
  readonly onLost: (key: string, error: unknown) => void
}

/**
 * Rewrites the live data of objects into a new one, in which all records of a partition are contiguous: that
 * leaves fewer objects, fewer extents to store, and fewer reads for consumers that are behind, and reclaims
 * the space of objects that are mostly garbage. Offsets and batches do not change. Damaged or missing
 * objects are left alone and passed to `onLost`, so that they neither block the merging of others nor contaminate
 * sound records. Resolves to whether there was anything to merge.
 */
export async function mergeObjects(candidates: readonly MergeCandidate[], options: MergeOptions): Promise<boolean> {
  const slabs = new Set<Slab>()
  const take = (sizeBytes: number): Piece => {
    const piece = options.slabs.takeForMoving(sizeBytes)
    // One hold for each slab is enough.
    if (piece.slab !== undefined && slabs.has(piece.slab)) piece.slab.release()
    else if (piece.slab !== undefined) slabs.add(piece.slab)
    return piece
  }
  try {
    const objects = await readObjects(candidates, take, options)
    // A single object would only be copied again and again while damaged ones make up the number worth merging.
    if (candidates.length === 0 || objects.length < Math.min(2, candidates.length)) return false
    const found = objects.flat()
    found.sort((a, b) => a.extent.partition - b.extent.partition || a.extent.baseOffset - b.extent.baseOffset)
    const extents = found.map(({ extent }) => extent)
    const body = await join(found, take, options.pace)
    return await replaceExtents({ ...options, object: options.newObject(), body: [body], extents, replaced: extents })
  } catch (error) {
    // Requests to the store may still be using the memory.
    for (const slab of slabs) slab.neverReuse()
    throw error
  } finally {
    for (const slab of slabs) slab.release()
  }
}

interface FoundExtent {
  readonly extent: Extent
  /** With offsets, and the time for LogAppendTime, set. */
  readonly bytes: Buffer
}

type Take = (sizeBytes: number) => Piece

async function readObjects(
  candidates: readonly MergeCandidate[],
  take: Take,
  options: MergeOptions,
): Promise<(readonly FoundExtent[])[]> {
  const objects: (readonly FoundExtent[])[] = []
  for (let start = 0; start < candidates.length; start += READS_TOGETHER) {
    const some = candidates.slice(start, start + READS_TOGETHER)
    // Every candidate has extents: an object without any is dead.
    const ranges = some.map(({ extents }) => readRange(options.store, extents, take))
    const outcomes = await Promise.allSettled(ranges.map(({ bytes }) => bytes))
    for (const [index, { key, extents }] of some.entries()) {
      try {
        objects.push(await checkObject(extents, outcomes[index]!, ranges[index]!.position, options.pace))
      } catch (error) {
        if (!isLost(error)) throw error
        options.onLost(key, error)
      }
    }
  }
  return objects
}

/** The extents of an object that was read, ready to be moved. Throws what reading threw, or a CorruptObjectError. */
async function checkObject(
  extents: readonly Extent[],
  outcome: PromiseSettledResult<Buffer>,
  position: number,
  pace: Pace,
): Promise<readonly FoundExtent[]> {
  if (outcome.status === 'rejected') throw outcome.reason
  const found: FoundExtent[] = []
  for (const extent of extents) {
    if (pace.hasWorkedFor(SLICE_MS)) await pace.rest()
    const bytes = bytesOf(extent, outcome.value, position)
    checkExtent(bytes, extent)
    placeExtent(bytes, extent)
    found.push({ extent, bytes })
  }
  return found
}

function isLost(error: unknown): boolean {
  if (error instanceof CorruptObjectError) return true
  return error instanceof StorageError && (error.code === 'not_found' || error.code === 'out_of_range')
}

/** Copies extents into one piece of memory, which a disk takes without the page cache. */
async function join(found: readonly FoundExtent[], take: Take, pace: Pace): Promise<Buffer> {
  const { bytes: body } = take(found.reduce((sum, { bytes }) => sum + bytes.length, 0))
  let position = 0
  for (const { bytes } of found) {
    if (pace.hasWorkedFor(SLICE_MS)) await pace.rest()
    position += bytes.copy(body, position)
  }
  return body
}

export interface Replacement {
  readonly metadata: Metadata
  readonly store: ObjectStore
  readonly object: { readonly key: string; readonly epoch: number }
  readonly body: readonly Buffer[]
  /** The layout of `body`, in order. */
  readonly extents: readonly Extent[]
  /** What the object was built from. */
  readonly replaced: readonly Extent[]
  /** Milliseconds since 1970. */
  readonly now: number
  readonly purpose: Purpose
  /**
   * Records of a partition are joined if they fall into the same step of time, in milliseconds; Infinity if they do not
   * expire. An extent expires as a whole, so without steps old records would stay for as long as new ones are joined.
   */
  readonly expiryStepMs: (partition: PartitionId) => number
  readonly cleaning?: Cleaning
}

/**
 * Puts an object and replaces the extents that it was built from. Resolves to false if some of them expired or were
 * replaced by another process in the meantime; the object is deleted then.
 */
export async function replaceExtents(replacement: Replacement): Promise<boolean> {
  const { metadata, store, object, body, extents, replaced, now, purpose, expiryStepMs, cleaning } = replacement
  const { key, epoch } = object
  const sizeBytes = body.reduce((sum, { length }) => sum + length, 0)
  const laidOut = layOut(key, extents, expiryStepMs)
  const runs = laidOut.map(extent => ({ ...extent, offsets: extent }))
  await store.put(key, [...body, writeObjectIndex(now, runs, metadata.catalog())], { purpose })
  const isTaken = await metadata.replaceExtents({ key, sizeBytes, epoch, extents: laidOut }, replaced, cleaning)
  if (!isTaken) await store.delete([key])
  return isTaken
}

/**
 * The step for a topic: a quarter of its retention, so that nothing stays much longer, if its records are compacted too.
 * Elsewhere records are joined a few times only, as the objects grow.
 */
export function expiryStepMs({ compact, delete: expires, retentionMs }: TopicConfig): number {
  return compact && expires && retentionMs !== null ? Math.max(1, retentionMs / 4) : Infinity
}

/** The layout of extents written one after another, joined where their offsets are consecutive. */
function layOut(key: string, extents: readonly Extent[], expiryStepMs: Replacement['expiryStepMs']): Extent[] {
  const laidOut: Extent[] = []
  let position = 0
  for (const extent of extents) {
    const last = laidOut.at(-1)
    const follows = last?.partition === extent.partition && last.lastOffset + 1 === extent.baseOffset
    const stepMs = expiryStepMs(extent.partition)
    const expiresWith = (one: Extent) => (stepMs === Infinity ? 0 : Math.floor(one.maxTimestamp / stepMs))
    if (follows && last.sizeBytes + extent.sizeBytes <= MAX_EXTENT_BYTES && expiresWith(last) === expiresWith(extent)) {
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
