// Compaction: keeps the last record of each key of a topic with cleanup.policy=compact (KIP-58, KIP-354, KIP-534).
import {
  type BatchHeader,
  batchHeaderBytes,
  keepRecords,
  readBatchHeader,
  readRecords,
  withLastOffsetDelta,
} from '../../kafka/index.ts'
import type { AbortedTransaction, Extent, Metadata, PartitionBounds, PartitionId } from '../../metadata/index.ts'
import type { ObjectStore } from '../../storage/index.ts'
import type { TopicConfig } from '../topic-config.ts'
import { expiryStepMs, replaceExtents } from './merging.ts'
import type { Pace } from './pace.ts'
import { type Holds, holding } from './slabs.ts'

/**
 * Maximum memory for the keys of one cleaning, in bytes, including the map's overhead per key. If there are more keys,
 * a cleaning goes as far as they fit, and the next one continues from there.
 */
const MAX_KEY_BYTES = 128 * 1024 * 1024
const BYTES_PER_KEY = 64
/** Bytes of a partition that are rewritten in one step; each step has its own commit. */
const STEP_BYTES = 32 * 1024 * 1024
/** Bytes of extents per metadata query. */
const LOOK_UP_BYTES = 256 * 1024 * 1024
/** Longest time in milliseconds for which batches are processed without a pause. Clients wait for as long. */
const SLICE_MS = 5
const MAX_LAST_OFFSET_DELTA = 2 ** 31 - 1

export interface CompactionOptions {
  readonly metadata: Metadata
  readonly store: ObjectStore
  readonly config: TopicConfig
  /** Milliseconds since 1970. */
  readonly now: number
  readonly newObject: () => { key: string; epoch: number }
  /** Loads the bytes of extents with their offsets set; they are valid until `holds` are released. */
  readonly load: (extents: readonly Extent[], holds: Holds) => Promise<Buffer[]>
  readonly pace: Pace
  readonly signal: AbortSignal
}

/** The result of a cleaning. */
export interface CleaningResult {
  /** Offsets below this one are clean now. */
  readonly until: number
  readonly bytesBefore: number
  readonly bytesAfter: number
}

/**
 * Cleans one partition, which is already clean below `cleanedUntil`; undefined if that is not due. A record is removed
 * if it has no key, if a later one with its key is in the cleaned range, if its transaction was aborted, or if it is a
 * tombstone whose delete horizon has passed. Remaining records keep their offsets. A removed batch's offsets are
 * covered by extending the batch before it, or else by an empty batch, so that a reader always reaches the end of the
 * partition. Transaction markers stay. An interrupted cleaning has only removed what the next one would remove as well.
 */
export async function compactPartition(
  partition: PartitionId,
  bounds: PartitionBounds,
  cleanedUntil: number,
  options: CompactionOptions,
): Promise<CleaningResult | undefined> {
  const { metadata, config, now, pace, signal } = options
  const start = Math.max(cleanedUntil, bounds.logStartOffset)
  if (start >= bounds.lastStableOffset) return undefined
  const { extents } = await findAll(metadata, partition, start, bounds.lastStableOffset)
  const firstYoung = extents.findIndex(({ maxTimestamp }) => now - maxTimestamp < config.minCompactionLagMs)
  const dirty = firstYoung < 0 ? extents : extents.slice(0, firstYoung)
  if (!isDue(dirty, start, bounds.sizeBytes, options)) return undefined

  const keys = new LatestOffsets()
  const { aborted } = await findAll(metadata, partition, bounds.logStartOffset, bounds.lastStableOffset)
  let until = start
  for (const step of inSteps(dirty)) {
    if (signal.aborted || keys.isFull) break
    await holding(async holds => {
      for (const batch of await loadBatches(step, holds, options)) {
        if (pace.hasWorkedFor(SLICE_MS)) await pace.rest()
        keys.add(batch, start, aborted)
      }
    })
    until = step.at(-1)!.lastOffset + 1
  }
  return signal.aborted ? undefined : rewrite(partition, bounds.logStartOffset, until, keys, aborted, options)
}

/** Whether enough is dirty, or something dirty has waited too long. */
function isDue(
  dirty: readonly Extent[],
  start: number,
  sizeBytes: number,
  { config, now }: CompactionOptions,
): boolean {
  if (dirty.length === 0) return false
  // Merging joins clean and dirty records, so only a share of the first extent may be dirty.
  const { baseOffset, lastOffset } = dirty[0]!
  const cleanShare = Math.max(0, start - baseOffset) / (lastOffset + 1 - baseOffset)
  const dirtyBytes = sizeOf(dirty) - dirty[0]!.sizeBytes * cleanShare
  if (dirtyBytes / Math.max(1, sizeBytes) >= config.minCleanableRatio) return true
  return now - dirty[0]!.maxTimestamp > config.maxCompactionLagMs
}

async function rewrite(
  partition: PartitionId,
  start: number,
  until: number,
  keys: LatestOffsets,
  aborted: readonly AbortedTransaction[],
  options: CompactionOptions,
): Promise<CleaningResult | undefined> {
  const { extents } = await findAll(options.metadata, partition, start, until)
  const steps = inSteps(extents)
  let bytesBefore = 0
  let bytesAfter = 0
  for (const [index, step] of steps.entries()) {
    if (options.signal.aborted) return undefined
    const cleaning = { partition, until: index === steps.length - 1 ? until : null }
    const left = await holding(async holds => {
      const batches: Buffer[] = []
      for (const batch of await loadBatches(step, holds, options)) {
        if (options.pace.hasWorkedFor(SLICE_MS)) await options.pace.rest()
        addCleaned(batches, cleaned(batch, keys, aborted, options), batch)
      }
      const extents = batches.map(batch => extentOf(partition, batch))
      const isReplaced = await replaceExtents({
        ...options,
        object: options.newObject(),
        body: batches,
        extents,
        replaced: step,
        purpose: 'freeing',
        expiryStepMs: () => expiryStepMs(options.config),
        cleaning,
      })
      return isReplaced ? extents : undefined
    })
    if (left === undefined) return undefined
    bytesBefore += sizeOf(step)
    bytesAfter += sizeOf(left)
  }
  return { until, bytesBefore, bytesAfter }
}

/** The batch after cleaning; undefined if none of it remains. */
function cleaned(
  batch: Buffer,
  keys: LatestOffsets,
  aborted: readonly AbortedTransaction[],
  { config, now }: CompactionOptions,
): Buffer | undefined {
  const header = readBatchHeader(batch)!
  if (header.control) return batch
  if (isAborted(header, aborted)) return undefined
  const records = readRecords(batch)
  const tombstonesMayGo = header.deleteHorizon && now >= header.baseTimestamp
  const kept = records.filter(
    ({ key, value, offset }) => key !== null && !keys.hasLater(key, offset) && !(value === null && tombstonesMayGo),
  )
  if (kept.length === 0) return undefined
  const startsHorizon = !header.deleteHorizon && kept.some(({ value }) => value === null)
  if (kept.length === records.length && !startsHorizon) return batch
  return keepRecords(batch, kept, startsHorizon ? now + config.deleteRetentionMs : undefined)
}

/**
 * Appends what is left of a batch; if nothing is, extends the batch before it
 * or adds an empty one to cover its offsets.
 */
function addCleaned(batches: Buffer[], kept: Buffer | undefined, original: Buffer): void {
  if (kept !== undefined) return void batches.push(kept)
  const before = batches.at(-1)
  const gone = readBatchHeader(original)!
  const delta = before === undefined ? Infinity : lastOffsetOf(gone) - readBatchHeader(before)!.baseOffset
  if (delta <= MAX_LAST_OFFSET_DELTA) batches[batches.length - 1] = withLastOffsetDelta(before!, delta)
  else batches.push(keepRecords(original, [], undefined))
}

function extentOf(partition: PartitionId, batch: Buffer): Extent {
  const header = readBatchHeader(batch)!
  return {
    partition,
    baseOffset: header.baseOffset,
    lastOffset: lastOffsetOf(header),
    // The key and position are assigned when the object is laid out.
    key: '',
    position: 0,
    sizeBytes: batch.length,
    maxTimestamp: header.maxTimestamp,
    appendTimestamp: -1,
  }
}

function lastOffsetOf({ baseOffset, lastOffsetDelta }: BatchHeader): number {
  return baseOffset + lastOffsetDelta
}

function sizeOf(extents: readonly Extent[]): number {
  return extents.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}

/** All extents from `start` that end before `end`, and the transactions aborted there. */
async function findAll(metadata: Metadata, partition: PartitionId, start: number, end: number) {
  const extents: Extent[] = []
  const aborted = new Map<string, AbortedTransaction>()
  for (let offset = start; offset < end; ) {
    const [answer] = await metadata.findExtents([{ partition, offset, maxBytes: LOOK_UP_BYTES, withAborted: true }])
    if (!answer || answer.extents.length === 0) break
    for (const one of answer.aborted) aborted.set(`${one.producerId} ${one.firstOffset}`, one)
    for (const extent of answer.extents) if (extent.lastOffset < end) extents.push(extent)
    offset = answer.extents.at(-1)!.lastOffset + 1
  }
  return { extents, aborted: [...aborted.values()] }
}

function inSteps(extents: readonly Extent[]): Extent[][] {
  const steps: Extent[][] = []
  let sizeBytes = Number.POSITIVE_INFINITY
  for (const extent of extents) {
    if (sizeBytes + extent.sizeBytes > STEP_BYTES) {
      steps.push([])
      sizeBytes = 0
    }
    steps.at(-1)!.push(extent)
    sizeBytes += extent.sizeBytes
  }
  return steps
}

/** The batches of extents; only processing them counts as work of the pace. */
async function loadBatches(
  extents: readonly Extent[],
  holds: Holds,
  { load, pace }: CompactionOptions,
): Promise<Buffer[]> {
  const loaded = await load(extents, holds)
  pace.begin()
  return loaded.flatMap(bytes => [...batchesOf(bytes)])
}

function* batchesOf(bytes: Buffer): Generator<Buffer> {
  for (let start = 0; start + batchHeaderBytes <= bytes.length; ) {
    const { sizeBytes } = readBatchHeader(bytes, start)!
    yield bytes.subarray(start, start + sizeBytes)
    start += sizeBytes
  }
}

function isAborted({ transactional, producerId, baseOffset }: BatchHeader, aborted: readonly AbortedTransaction[]) {
  return (
    transactional &&
    aborted.some(one => one.producerId === producerId && one.firstOffset <= baseOffset && baseOffset <= one.lastOffset)
  )
}

/** The last offset of each key in the range being cleaned. */
class LatestOffsets {
  readonly #offsets = new Map<string, number>()
  #sizeBytes = 0

  get isFull(): boolean {
    return this.#sizeBytes >= MAX_KEY_BYTES
  }

  add(batch: Buffer, from: number, aborted: readonly AbortedTransaction[]): void {
    const header = readBatchHeader(batch)!
    if (header.control || isAborted(header, aborted)) return
    for (const { key, offset } of readRecords(batch)) if (key !== null && offset >= from) this.#set(key, offset)
  }

  hasLater(key: Buffer, offset: number): boolean {
    return (this.#offsets.get(textOf(key)) ?? -1) > offset
  }

  #set(key: Buffer, offset: number): void {
    const text = textOf(key)
    if (!this.#offsets.has(text)) this.#sizeBytes += key.length + BYTES_PER_KEY
    this.#offsets.set(text, offset)
  }
}

/** One character per byte, so that distinct keys give distinct texts. */
function textOf(key: Buffer): string {
  return key.toString('latin1')
}
