import { messageOf } from '../../base/index.ts'
import {
  type BatchHeader,
  batchCrcFits,
  batchHeaderBytes,
  compress,
  decompress,
  type ErrorName,
  readBatchHeader,
  readRecords,
  withMaxTimestamp,
  writeBatch,
} from '../../kafka/index.ts'
import type { TopicConfig } from '../topic-config.ts'
import { walkRecords, type WalkedRecords } from './record-walk.ts'

/** A batch that may be stored, or the reason why not. */
export type CheckedBatch =
  | {
      readonly ok: true
      readonly header: BatchHeader
      /** The batch to store: as it arrived, unless the topic requires another compression. */
      readonly records: Buffer
    }
  | Refusal

interface Refusal {
  readonly ok: false
  readonly error: ErrorName
  readonly message: string
  /** The invalid records, by their index in the batch (KIP-467). */
  readonly records?: readonly { readonly index: number; readonly message: string }[]
}

/** The version of Produce that introduced zstd (KIP-110). */
const ZSTD_VERSION = 7
const ZSTD = 4
const BATCH_MAGIC = 2
const MAGIC_AT = 16
/** Marks a record without a timestamp, to which no bound applies. */
const NO_TIMESTAMP = -1

/** The maximum decompressed size of a batch, in bytes. */
const MAX_UNPACKED_BYTES = 256 * 1024 * 1024

/**
 * Validates what a producer sent for one partition by Kafka's rules (LogValidator, ProduceRequest.validateRecords), so
 * that nothing is stored that a consumer could not read. This requires decompressing the records, which takes 1.5 ms
 * (lz4, snappy) to 2.5 ms (gzip) per megabyte; the decompressed form is not kept.
 */
export function checkBatch(records: Buffer | null, version: number, config: TopicConfig, now: number): CheckedBatch {
  if (records === null || records.length === 0) return refuse('INVALID_RECORD', 'the record batch is missing')
  const magic = records.length > MAGIC_AT ? records.readInt8(MAGIC_AT) : BATCH_MAGIC
  if (magic < 0 || magic > BATCH_MAGIC) return refuse('CORRUPT_MESSAGE', `unknown record magic ${magic}`)
  if (magic !== BATCH_MAGIC) return refuse('INVALID_RECORD', `record batches of magic ${magic} are not supported`)
  const header = readBatchHeader(records)
  // Kafka treats truncated data as containing no whole batch, not as damaged in transit.
  if (!header || header.sizeBytes > records.length || header.sizeBytes < 0) {
    return refuse('INVALID_RECORD', 'the record batch is truncated')
  }
  if (header.sizeBytes < records.length) return refuse('INVALID_RECORD', 'there is more than one record batch')
  if (header.sizeBytes > config.maxMessageBytes) {
    return refuse(
      'MESSAGE_TOO_LARGE',
      `the record batch has ${header.sizeBytes} bytes, more than the maximum of ${config.maxMessageBytes}`,
    )
  }
  if (!batchCrcFits(records)) return refuse('CORRUPT_MESSAGE', 'the checksum of the record batch is wrong')
  const problem = checkHeader(header, version)
  if (problem !== undefined) return problem
  const body = unpackedBody(records, header)
  if (!Buffer.isBuffer(body)) return body
  const walked = walkRecords(body, header.recordsCount)
  if (typeof walked === 'string') return refuse('INVALID_RECORD', walked)
  return (
    checkTimes(records, header, walked, config, now) ??
    checkKeys(walked, config) ??
    accept(records, header, walked, body, config)
  )
}

function checkHeader(header: BatchHeader, version: number): Refusal | undefined {
  if (header.codec > ZSTD) return refuse('UNSUPPORTED_COMPRESSION_TYPE', `unknown compression codec ${header.codec}`)
  if (header.codec === ZSTD && version < ZSTD_VERSION) {
    return refuse('UNSUPPORTED_COMPRESSION_TYPE', `zstd requires version ${ZSTD_VERSION} of Produce`)
  }
  if (header.baseOffset !== 0) return refuse('INVALID_RECORD', 'the base offset of a new batch must be 0')
  if (header.recordsCount <= 0 || header.lastOffsetDelta !== header.recordsCount - 1) {
    return refuse('INVALID_RECORD', 'the number of records does not match the last offset')
  }
  if (header.control) return refuse('INVALID_RECORD', 'only brokers may write control batches')
  if (header.transactional && header.producerId < 0)
    return refuse('INVALID_RECORD', 'a transactional batch needs a producer id')
  if (header.producerId >= 0 && (header.baseSequence < 0 || header.producerEpoch < 0)) {
    return refuse('INVALID_RECORD', 'a producer id needs a sequence number and an epoch')
  }
  return undefined
}

function unpackedBody(batch: Buffer, { codec }: BatchHeader): Buffer | Refusal {
  const packed = batch.subarray(batchHeaderBytes)
  if (codec === 0) return packed
  try {
    return decompress(codec, packed, MAX_UNPACKED_BYTES)
  } catch (error) {
    return refuse('INVALID_RECORD', `the records cannot be decompressed: ${messageOf(error)}`)
  }
}

function checkTimes(
  batch: Buffer,
  header: BatchHeader,
  walked: WalkedRecords,
  config: TopicConfig,
  now: number,
): Refusal | undefined {
  if (config.appendTime) return undefined
  const { earliest, latest } = timesOf(header, walked)
  // Refused whatever the topic allows: the metadata could not return a time that no number represents exactly.
  if (!Number.isSafeInteger(earliest) || !Number.isSafeInteger(latest)) {
    return refuse('INVALID_TIMESTAMP', 'the timestamp is out of range')
  }
  const last = now + config.timestampAfterMaxMs
  const first = now - config.timestampBeforeMaxMs
  if (latest <= last && (earliest >= first || earliest === NO_TIMESTAMP)) return undefined
  return {
    ok: false,
    error: 'INVALID_TIMESTAMP',
    message: 'One or more records have been rejected due to invalid timestamp',
    records: misdatedRecords(batch, first, last),
  }
}

/** The earliest and latest timestamp of a batch's records, in milliseconds since 1970. */
function timesOf({ appendTime, baseTimestamp, maxTimestamp }: BatchHeader, walked: WalkedRecords) {
  if (appendTime) return { earliest: maxTimestamp, latest: maxTimestamp }
  return { earliest: baseTimestamp + walked.earliestDelta, latest: baseTimestamp + walked.latestDelta }
}

/** The records with invalid timestamps; empty if they cannot be read, in which case only the batch is reported. */
function misdatedRecords(batch: Buffer, earliest: number, latest: number): { index: number; message: string }[] {
  try {
    return readRecords(batch, MAX_UNPACKED_BYTES).flatMap(({ timestamp }, index) => {
      if (timestamp === NO_TIMESTAMP || (timestamp >= earliest && timestamp <= latest)) return []
      const range = `[${earliest}, ${latest}]`
      return [
        { index, message: `Timestamp ${timestamp} of record ${index} is out of range. It should be within ${range}` },
      ]
    })
  } catch {
    return []
  }
}

function checkKeys({ keyless }: WalkedRecords, config: TopicConfig): Refusal | undefined {
  if (!config.compact || keyless.length === 0) return undefined
  const message = 'records of a compacted topic must have a key'
  return { ok: false, error: 'INVALID_RECORD', message, records: keyless.map(index => ({ index, message })) }
}

/** Prepares a batch for storage: sets its true maximum timestamp, by which it is found, and its topic's compression. */
function accept(
  records: Buffer,
  header: BatchHeader,
  walked: WalkedRecords,
  body: Buffer,
  { appendTime, compression, maxMessageBytes }: TopicConfig,
): CheckedBatch {
  const { latest } = timesOf(header, walked)
  const maxTimestamp = appendTime ? header.maxTimestamp : latest
  if (compression !== undefined && compression.codec !== header.codec) {
    const { codec, level } = compression
    const repacked = writeBatch({ ...header, codec, maxTimestamp }, compress(codec, body, level))
    const size = repacked.length
    if (size > maxMessageBytes) {
      return refuse(
        'MESSAGE_TOO_LARGE',
        `the record batch has ${size} bytes with the compression of its topic, more than the maximum of ${maxMessageBytes}`,
      )
    }
    return { ok: true, header: readBatchHeader(repacked)!, records: repacked }
  }
  if (maxTimestamp === header.maxTimestamp) return { ok: true, header, records }
  const corrected = withMaxTimestamp(records, maxTimestamp)
  return { ok: true, header: readBatchHeader(corrected)!, records: corrected }
}

function refuse(error: ErrorName, message: string): Refusal {
  return { ok: false, error, message }
}
