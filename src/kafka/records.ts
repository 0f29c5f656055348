// The records inside a batch: for lookups by time, compaction, tools and tests, but not for producing and fetching.
import { compress, decompress } from './compression/index.ts'
import { type BatchFields, batchHeaderBytes, readBatchHeader, writeBatch } from './record-batch.ts'
import { ProtocolError } from './reader.ts'

/** One record as Kafka stores it. */
export interface KafkaRecord {
  readonly offset: number
  /** Milliseconds since 1970. */
  readonly timestamp: number
  /** Null if it has no key. */
  readonly key: Buffer | null
  /** Null for a tombstone. */
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}

interface RecordHeader {
  readonly key: string
  readonly value: Buffer | null
}

/** A record to be written; the timestamp defaults to the batch's. */
export interface NewRecord {
  readonly key?: Buffer | null
  readonly value?: Buffer | null
  readonly timestamp?: number
  readonly headers?: readonly RecordHeader[]
}

/**
 * Reads all records of one whole batch in order, including control records. Decompresses to at most `maxBytes`. Throws
 * a ProtocolError when the contents contradict the header.
 */
export function readRecords(batch: Buffer, maxBytes?: number): KafkaRecord[] {
  const header = readBatchHeader(batch)
  if (header === undefined || header.sizeBytes > batch.length) throw new ProtocolError('record batch is truncated')
  const body = decompress(header.codec, batch.subarray(batchHeaderBytes, header.sizeBytes), maxBytes)
  const cursor = new RecordCursor(body)
  const records: KafkaRecord[] = []
  for (let i = 0; i < header.recordsCount; i++) {
    const record = cursor.next()
    records.push({
      offset: header.baseOffset + record.offsetDelta,
      timestamp: header.appendTime ? header.maxTimestamp : header.baseTimestamp + record.timestampDelta,
      key: record.key,
      value: record.value,
      headers: record.headers,
    })
  }
  return records
}

/** Builds one batch of these records with offsets from 0, as a producer would send it. */
export function writeRecords(
  records: readonly NewRecord[],
  options: { readonly timestamp: number; readonly codec?: number } & Partial<BatchFields>,
): Buffer {
  const baseTimestamp = records[0]?.timestamp ?? options.timestamp
  let maxTimestamp = baseTimestamp
  const body: Buffer[] = []
  records.forEach((record, index) => {
    const timestamp = record.timestamp ?? options.timestamp
    maxTimestamp = Math.max(maxTimestamp, timestamp)
    body.push(recordBytes(record, index, timestamp - baseTimestamp))
  })
  return writeBatch(
    {
      lastOffsetDelta: records.length - 1,
      recordsCount: records.length,
      ...options,
      baseTimestamp,
      maxTimestamp,
    },
    compress(options.codec ?? 0, Buffer.concat(body)),
  )
}

/**
 * Copies a batch with only some of its records: they keep their offsets and times, and the batch keeps
 * its producer, sequence and last offset. With `deleteHorizonMs` (milliseconds since 1970) its tombstones
 * may be removed from that time on (KIP-534). Without records it is an empty batch, as Kafka's brokers
 * leave behind, with the time of the original.
 */
export function keepRecords(batch: Buffer, kept: readonly KafkaRecord[], deleteHorizonMs: number | undefined): Buffer {
  const header = readBatchHeader(batch)!
  if (kept.length === 0) return writeBatch({ ...header, codec: 0, recordsCount: 0 }, Buffer.alloc(0))
  const hasHorizon = deleteHorizonMs !== undefined || header.deleteHorizon
  const baseTimestamp = deleteHorizonMs ?? header.baseTimestamp
  let maxTimestamp = header.appendTime ? header.maxTimestamp : -1
  const body = kept.map(record => {
    maxTimestamp = Math.max(maxTimestamp, record.timestamp)
    // Under LogAppendTime the time of the batch applies to all records.
    const delta = header.appendTime ? 0 : record.timestamp - baseTimestamp
    return recordBytes(record, record.offset - header.baseOffset, delta)
  })
  return writeBatch(
    { ...header, baseTimestamp, maxTimestamp, deleteHorizon: hasHorizon, recordsCount: kept.length },
    compress(header.codec, Buffer.concat(body)),
  )
}

function recordBytes(record: NewRecord, offsetDelta: number, timestampDelta: number): Buffer {
  const parts: Buffer[] = [Buffer.from([0]), varint(timestampDelta), varint(offsetDelta)]
  const bytes = (value: Buffer | null | undefined) => {
    parts.push(varint(value?.length ?? -1))
    if (value) parts.push(value)
  }
  bytes(record.key)
  bytes(record.value)
  const headers = record.headers ?? []
  parts.push(varint(headers.length))
  for (const header of headers) {
    bytes(Buffer.from(header.key))
    bytes(header.value)
  }
  const body = Buffer.concat(parts)
  return Buffer.concat([varint(body.length), body])
}

/** Encodes any integer below 2^53 as a zig-zag varint. */
function varint(value: number): Buffer {
  let rest = value >= 0 ? value * 2 : -value * 2 - 1
  const bytes: number[] = []
  while (rest > 127) {
    bytes.push((rest % 128) | 128)
    rest = Math.floor(rest / 128)
  }
  bytes.push(rest)
  return Buffer.from(bytes)
}

class RecordCursor {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  next() {
    const length = this.#varint()
    const end = this.#at + length
    if (length < 0 || end > this.#bytes.length) throw new ProtocolError('record extends beyond its batch')
    this.#at++ // attributes, all of which are unused
    const timestampDelta = this.#varint()
    const offsetDelta = this.#varint()
    const key = this.#nullableBytes()
    const value = this.#nullableBytes()
    const headers: RecordHeader[] = []
    for (let left = this.#varint(); left > 0; left--) {
      const name = this.#nullableBytes()
      if (name === null) throw new ProtocolError('record header without a key')
      headers.push({ key: name.toString(), value: this.#nullableBytes() })
    }
    if (this.#at !== end) throw new ProtocolError('record length does not match its content')
    return { timestampDelta, offsetDelta, key, value, headers }
  }

  #varint(): number {
    let value = 0
    for (let factor = 1; factor < 2 ** 64; factor *= 128) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) throw new ProtocolError('record batch ends inside a record')
      value += (byte & 127) * factor
      if (byte < 128) return value % 2 === 0 ? value / 2 : -(value + 1) / 2
    }
    throw new ProtocolError('varint is too long')
  }

  #nullableBytes(): Buffer | null {
    const length = this.#varint()
    if (length < 0) return null
    const start = this.#at
    this.#at += length
    if (this.#at > this.#bytes.length) throw new ProtocolError('record batch ends inside a record')
    return this.#bytes.subarray(start, this.#at)
  }
}
