import { batchExtent, readBatchHeader, readRecords } from '../../kafka/index.ts'
import type { Extent, Metadata, PartitionId } from '../../metadata/index.ts'
import { type Holds, holding } from './slabs.ts'

/** The offset and timestamp of a record. */
export interface TimedOffset {
  readonly offset: number
  /** Milliseconds since 1970. */
  readonly timestamp: number
}

/** The bytes are valid until `holds` are released. */
type LoadExtent = (extent: Extent, holds: Holds) => Promise<Buffer>

/**
 * Finds records by timestamp. Extents and batch headers lead to the right batch; only there, where records may be in
 * any order, are they examined individually.
 */
export class TimeLookup {
  readonly #metadata: Metadata
  readonly #load: LoadExtent

  constructor(metadata: Metadata, load: LoadExtent) {
    this.#metadata = metadata
    this.#load = load
  }

  /** The first record in [from, end) with this timestamp or a later one; undefined if there is none. */
  async firstSince(
    partition: PartitionId,
    timestamp: number,
    from: number,
    end: number,
  ): Promise<TimedOffset | undefined> {
    for (let offset = from; offset < end; ) {
      const [extent] = await this.#metadata.findByTime([{ kind: 'since', partition, offset, timestamp }])
      if (!extent) return undefined
      const found = await holding(async holds => firstIn(await this.#load(extent, holds), timestamp, from, offset))
      if (found) return found.offset < end ? found : undefined
      // The timestamp was that of a record below the log start; continue after this extent.
      offset = extent.lastOffset + 1
    }
    return undefined
  }

  /** The first of the records in [from, end) with the largest timestamp; undefined if there is no record. */
  async latest(partition: PartitionId, from: number, end: number): Promise<TimedOffset | undefined> {
    let best: TimedOffset | undefined
    for (let offset = from; offset < end; ) {
      const [extent] = await this.#metadata.findByTime([{ kind: 'max', partition, offset }])
      if (!extent || (best && extent.maxTimestamp <= best.timestamp)) break
      const found = await holding(async holds => latestIn(await this.#load(extent, holds), from, end))
      if (found && (!best || found.timestamp > best.timestamp)) best = found
      // Unless it is partly out of bounds, the extent with the largest timestamp has the answer.
      if (extent.baseOffset >= from && extent.lastOffset < end) break
      offset = extent.lastOffset + 1
    }
    return best
  }
}

/** The first record from `from` on with this timestamp or a later one, in batches that do not end before `offset`. */
function firstIn(bytes: Buffer, timestamp: number, from: number, offset: number): TimedOffset | undefined {
  for (const batch of batchesOf(bytes)) {
    if (batch.maxTimestamp < timestamp || batch.lastOffset < offset) continue
    const found = readRecords(batch.bytes).find(record => record.timestamp >= timestamp && record.offset >= from)
    if (found) return { offset: found.offset, timestamp: found.timestamp }
  }
  return undefined
}

function latestIn(bytes: Buffer, from: number, end: number): TimedOffset | undefined {
  let best: TimedOffset | undefined
  for (const batch of batchesOf(bytes)) {
    if (batch.lastOffset < from || (best && batch.maxTimestamp <= best.timestamp)) continue
    for (const record of readRecords(batch.bytes)) {
      if (record.offset < from || record.offset >= end) continue
      if (!best || record.timestamp > best.timestamp) best = { offset: record.offset, timestamp: record.timestamp }
    }
  }
  return best
}

function* batchesOf(bytes: Buffer) {
  for (let start = 0; start < bytes.length; ) {
    const { sizeBytes } = batchExtent(bytes, start)!
    const { baseOffset, lastOffsetDelta, maxTimestamp } = readBatchHeader(bytes, start)!
    yield { bytes: bytes.subarray(start, start + sizeBytes), lastOffset: baseOffset + lastOffsetDelta, maxTimestamp }
    start += sizeBytes
  }
}
