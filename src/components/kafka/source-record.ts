import type { KafkaRecord, RecordsBatch } from '@platformatic/kafka'

/** A record as it came from a cluster. An absent value is a tombstone. */
export interface SourceRecord {
  readonly offset: bigint
  /** Milliseconds since 1970-01-01T00:00Z. */
  readonly timestamp: bigint
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly (readonly [Uint8Array | null, Uint8Array | null])[]
}

/** The right to read a partition, from its assignment until it is taken away. */
export class Claim {
  readonly topic: string
  readonly partition: number
  active = true
  /** The offset to fetch from, or null until it is known. */
  next: bigint | null = null
  /** What was fetched and not taken yet, as runs of records. */
  ready: SourceRecord[][] = []
  readyRecords = 0

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }
}

/** Records of one partition, in their order. */
export interface PartitionRecords {
  /** The right to read the partition under which they came; it may be over when they have been handled. */
  readonly claim: Claim
  readonly records: readonly SourceRecord[]
}

/** The records of a batch from an offset on; a transaction's markers are none. */
export function recordsOf(batch: RecordsBatch, from: bigint): SourceRecord[] {
  const [logAppendTimeBit, controlBit] = [0x08, 0x20]
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
