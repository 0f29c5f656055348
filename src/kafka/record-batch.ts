// Record batches of format 2: the header as the broker sees it. `records.ts` reads
// the records inside, never on the hot path.
import { crc32c, crc32cOfChanged } from './crc32c.ts'

/** Size of the header, which precedes the records. */
export const batchHeaderBytes = 61
/** Size of base offset and length, which `batchLength` does not count. */
const batchOverheadBytes = 12

// Positions of the header's fields.
const at = {
  baseOffset: 0,
  batchLength: 8,
  partitionLeaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordsCount: 57,
} as const

const appendTimeBit = 8
const transactionalBit = 16
const controlBit = 32
const deleteHorizonBit = 64

/** Codec names by the number in the attributes' lowest three bits; 5 to 7 are unassigned. */
export const compressionNames = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

export interface BatchHeader {
  readonly baseOffset: number
  /** Size of the whole batch in bytes, header included. */
  readonly sizeBytes: number
  readonly partitionLeaderEpoch: number
  readonly magic: number
  readonly crc: number
  /** 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd. */
  readonly codec: number
  /** Timestamps are the broker's (LogAppendTime), not the producer's. */
  readonly appendTime: boolean
  readonly transactional: boolean
  readonly control: boolean
  readonly deleteHorizon: boolean
  readonly lastOffsetDelta: number
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  /** -1 if not idempotent. */
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordsCount: number
}

/** Reads the header at `start`; undefined if fewer bytes than a header are left. Nothing is validated. */
export function readBatchHeader(buffer: Buffer, start = 0): BatchHeader | undefined {
  if (start + batchHeaderBytes > buffer.length) return undefined
  const view = new DataView(buffer.buffer, buffer.byteOffset + start, batchHeaderBytes)
  const attributes = view.getInt16(at.attributes)
  return {
    baseOffset: int64(view, at.baseOffset),
    sizeBytes: view.getInt32(at.batchLength) + batchOverheadBytes,
    partitionLeaderEpoch: view.getInt32(at.partitionLeaderEpoch),
    magic: view.getInt8(at.magic),
    crc: view.getUint32(at.crc),
    codec: attributes & 7,
    appendTime: (attributes & appendTimeBit) !== 0,
    transactional: (attributes & transactionalBit) !== 0,
    control: (attributes & controlBit) !== 0,
    deleteHorizon: (attributes & deleteHorizonBit) !== 0,
    lastOffsetDelta: view.getInt32(at.lastOffsetDelta),
    baseTimestamp: int64(view, at.baseTimestamp),
    maxTimestamp: int64(view, at.maxTimestamp),
    producerId: int64(view, at.producerId),
    producerEpoch: view.getInt16(at.producerEpoch),
    baseSequence: view.getInt32(at.baseSequence),
    recordsCount: view.getInt32(at.recordsCount),
  }
}

/** Size and number of offsets of the batch at `start`, for iterating over batches; undefined if no header fits. */
export function batchExtent(buffer: Buffer, start: number): { sizeBytes: number; offsets: number } | undefined {
  if (start + batchHeaderBytes > buffer.length) return undefined
  return {
    sizeBytes: buffer.readInt32BE(start + at.batchLength) + batchOverheadBytes,
    offsets: buffer.readInt32BE(start + at.lastOffsetDelta) + 1,
  }
}

/** Whether the checksum of one whole batch is correct. */
export function batchCrcFits(batch: Buffer): boolean {
  return crc32c(batch.subarray(at.attributes)) === batch.readUInt32BE(at.crc)
}

/**
 * Copies a batch's header and sets its final offset; the checksum does not cover these fields. With `appendTimestamp`
 * (milliseconds since 1970, or -1 for none) the records also get that time (LogAppendTime), and the checksum is
 * adjusted. `header` holds at least the first 61 bytes of the batch, `sizeBytes` is the size of the whole batch.
 */
export function placedHeader(header: Buffer, sizeBytes: number, baseOffset: number, appendTimestamp = -1): Buffer {
  const placed = Buffer.allocUnsafe(batchHeaderBytes)
  header.copy(placed, 0, 0, batchHeaderBytes)
  placeBatch(placed, 0, baseOffset)
  if (appendTimestamp >= 0) stampAppendTime(placed, sizeBytes, appendTimestamp)
  return placed
}

/** Sets the offset of the batch at `start` in place, with leader epoch 0. */
export function placeBatch(buffer: Buffer, start: number, baseOffset: number): void {
  writeInt64(buffer, start + at.baseOffset, baseOffset)
  buffer.writeInt32BE(0, start + at.partitionLeaderEpoch)
}

function stampAppendTime(header: Buffer, sizeBytes: number, timestamp: number): void {
  const from = at.attributes
  const to = at.maxTimestamp + 8
  const change = Buffer.from(header.subarray(from, to))
  header.writeInt16BE(header.readInt16BE(at.attributes) | appendTimeBit, at.attributes)
  writeInt64(header, at.maxTimestamp, timestamp)
  for (let i = 0; i < change.length; i++) change[i]! ^= header[from + i]!
  header.writeUInt32BE(crc32cOfChanged(header.readUInt32BE(at.crc), change, sizeBytes - to), at.crc)
}

/** The fields of a batch to be written. */
export interface BatchFields {
  readonly baseOffset?: number
  readonly codec?: number
  readonly appendTime?: boolean
  readonly transactional?: boolean
  readonly control?: boolean
  /** `baseTimestamp` is the time from which the batch's tombstones may be removed (KIP-534). */
  readonly deleteHorizon?: boolean
  readonly lastOffsetDelta: number
  readonly baseTimestamp: number
  readonly maxTimestamp: number
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly recordsCount: number
}

/** Builds a whole batch from its fields and its (already compressed) records, with length and checksum. */
export function writeBatch(fields: BatchFields, records: Buffer): Buffer {
  const batch = Buffer.allocUnsafe(batchHeaderBytes + records.length)
  writeInt64(batch, at.baseOffset, fields.baseOffset ?? 0)
  batch.writeInt32BE(batch.length - batchOverheadBytes, at.batchLength)
  batch.writeInt32BE(0, at.partitionLeaderEpoch)
  batch.writeInt8(2, at.magic)
  const attributes =
    (fields.codec ?? 0) |
    (fields.appendTime ? appendTimeBit : 0) |
    (fields.transactional ? transactionalBit : 0) |
    (fields.control ? controlBit : 0) |
    (fields.deleteHorizon ? deleteHorizonBit : 0)
  batch.writeInt16BE(attributes, at.attributes)
  batch.writeInt32BE(fields.lastOffsetDelta, at.lastOffsetDelta)
  writeInt64(batch, at.baseTimestamp, fields.baseTimestamp)
  writeInt64(batch, at.maxTimestamp, fields.maxTimestamp)
  writeInt64(batch, at.producerId, fields.producerId ?? -1)
  batch.writeInt16BE(fields.producerEpoch ?? -1, at.producerEpoch)
  batch.writeInt32BE(fields.baseSequence ?? -1, at.baseSequence)
  batch.writeInt32BE(fields.recordsCount, at.recordsCount)
  records.copy(batch, batchHeaderBytes)
  batch.writeUInt32BE(crc32c(batch.subarray(at.attributes)), at.crc)
  return batch
}

/** Copies a batch with another last offset: the broker extends it when it removes the batches after it. */
export function withLastOffsetDelta(batch: Buffer, lastOffsetDelta: number): Buffer {
  const copy = Buffer.from(batch)
  copy.writeInt32BE(lastOffsetDelta, at.lastOffsetDelta)
  copy.writeUInt32BE(crc32c(copy.subarray(at.attributes)), at.crc)
  return copy
}

/** Copies a batch with another maximum timestamp, in milliseconds since 1970. */
export function withMaxTimestamp(batch: Buffer, maxTimestamp: number): Buffer {
  const copy = Buffer.from(batch)
  writeInt64(copy, at.maxTimestamp, maxTimestamp)
  copy.writeUInt32BE(crc32c(copy.subarray(at.attributes)), at.crc)
  return copy
}

function int64(view: DataView, position: number): number {
  return view.getInt32(position) * 4294967296 + view.getUint32(position + 4)
}

function writeInt64(buffer: Buffer, position: number, value: number): void {
  buffer.writeInt32BE(Math.floor(value / 4294967296), position)
  buffer.writeUInt32BE(value >>> 0, position + 4)
}
