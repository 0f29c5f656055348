import type { KafkaRecord, RecordsBatch } from '@platformatic/kafka'

/** A record read from a cluster. An absent value is a tombstone. */
export interface SourceRecord {
  readonly offset: bigint
  /** Milliseconds since 1970-01-01T00:00Z. */
  readonly timestamp: bigint
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly (readonly [Uint8Array | null, Uint8Array | null])[]
}

/** The right to read a partition, from its assignment until it is revoked. */
export class Claim {
  readonly topic: string
  readonly partition: number
  active = true
  /** The offset to fetch from, or null until it is known. */
  next: bigint | null = null
  /** High watermark of the partition, as of the last fetch. */
  highWatermark = 0n
  /** Fetched but not yet taken records, as runs. */
  ready: SourceRecord[][] = []
  readyRecords = 0

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }
}

/** Records of one partition, in order. */
export interface PartitionRecords {
  /** The claim under which they were read; it may have ended by the time they are handled. */
  readonly claim: Claim
  readonly records: readonly SourceRecord[]
}

const logAppendTimeBit = 0x08
const transactionalBit = 0x10
const controlBit = 0x20
/** Type of an abort marker, stored in the second half of a control record's key. */
const abortMarker = 0

/** A transaction whose records a read-committed consumer skips. */
export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: bigint
}

/**
 * Returns which of these batches, given in order, belong to aborted transactions (KIP-98): those of the transaction's
 * producer from its first offset up to the abort marker.
 */
export function abortedBatches(
  batches: readonly RecordsBatch[],
  aborted: readonly AbortedTransaction[],
): ReadonlySet<RecordsBatch> {
  const dropped = new Set<RecordsBatch>()
  if (aborted.length === 0) return dropped
  const waiting = aborted.toSorted((a, b) => Number(a.firstOffset - b.firstOffset))
  const open = new Set<bigint>()
  for (const batch of batches) {
    const lastOffset = batch.firstOffset + BigInt(batch.lastOffsetDelta)
    while (waiting.length > 0 && waiting[0]!.firstOffset <= lastOffset) open.add(waiting.shift()!.producerId)
    if ((batch.attributes & transactionalBit) === 0 || !open.has(batch.producerId)) continue
    if ((batch.attributes & controlBit) === 0) dropped.add(batch)
    else if (batch.records[0]?.key?.readInt16BE(2) === abortMarker) open.delete(batch.producerId)
  }
  return dropped
}

/** The records of a batch from an offset on; transaction markers are skipped. */
export function recordsOf(batch: RecordsBatch, from: bigint): SourceRecord[] {
  if ((batch.attributes & controlBit) !== 0) return []
  const appended = (batch.attributes & logAppendTimeBit) !== 0
  const toRecord = (record: KafkaRecord): SourceRecord => ({
    offset: batch.firstOffset + BigInt(record.offsetDelta),
    timestamp: appended ? batch.maxTimestamp : batch.firstTimestamp + record.timestampDelta,
    key: record.key,
    value: record.value,
    headers: record.headers,
  })
  const records = batch.records.map(toRecord)
  return batch.firstOffset >= from ? records : records.filter(({ offset }) => offset >= from)
}
