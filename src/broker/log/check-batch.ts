import { messageOf } from '../../base/index.ts'
import {
  type BatchHeader,
  batchCrcFits,
  batchHeaderBytes,
  type ErrorName,
  readBatchHeader,
  readRecords,
} from '../../kafka/index.ts'
import type { TopicConfig } from '../topic-config.ts'

/** A batch that may be stored, or why not. */
export type CheckedBatch =
  | { readonly ok: true; readonly header: BatchHeader }
  | {
      readonly ok: false
      readonly error: ErrorName
      readonly message: string
      /** The records that are to blame, by their index in the batch (KIP-467). */
      readonly records?: readonly { readonly index: number; readonly message: string }[]
    }

/** zstd came with this version of Produce (KIP-110). */
const ZSTD_VERSION = 7
const ZSTD = 4
const BATCH_MAGIC = 2
const MAGIC_AT = 16
/** Of a record that has none, which no bound holds for. */
const NO_TIMESTAMP = -1

/** The most that a batch may unpack to, when its records have to be looked at. */
const MAX_UNPACKED_BYTES = 256 * 1024 * 1024

/**
 * Judges what a producer sent for one partition by Kafka's rules (LogValidator, ProduceRequest.validateRecords).
 * Only where a topic's settings ask for it are the records themselves read.
 */
export function checkBatch(records: Buffer | null, version: number, config: TopicConfig, now: number): CheckedBatch {
  if (records === null || records.length === 0) return refuse('INVALID_RECORD', 'there is no record batch')
  const magic = records.length > MAGIC_AT ? records.readInt8(MAGIC_AT) : BATCH_MAGIC
  if (magic < 0 || magic > BATCH_MAGIC) return refuse('CORRUPT_MESSAGE', `there are no records of magic ${magic}`)
  if (magic !== BATCH_MAGIC) return refuse('INVALID_RECORD', `record batches of magic ${magic} are not supported`)
  const header = readBatchHeader(records)
  // What is cut short holds no whole batch at all, to Kafka, and is no sign of damage on the way.
  if (!header || header.sizeBytes > records.length || header.sizeBytes < 0) {
    return refuse('INVALID_RECORD', 'the record batch is cut short')
  }
  if (header.sizeBytes < records.length) return refuse('INVALID_RECORD', 'there is more than one record batch')
  if (header.sizeBytes > config.maxMessageBytes) {
    return refuse(
      'MESSAGE_TOO_LARGE',
      `the record batch has ${header.sizeBytes} bytes, more than ${config.maxMessageBytes}`,
    )
  }
  if (!batchCrcFits(records)) return refuse('CORRUPT_MESSAGE', 'the checksum of the record batch is wrong')
  const problem =
    checkHeader(header, version) ??
    checkTimes(records, header, config, now) ??
    checkRecords(records, header) ??
    checkKeys(records, config)
  return problem ?? { ok: true, header }
}

function checkHeader(header: BatchHeader, version: number): CheckedBatch | undefined {
  if (header.codec > ZSTD)
    return refuse('UNSUPPORTED_COMPRESSION_TYPE', `there is no compression of number ${header.codec}`)
  if (header.codec === ZSTD && version < ZSTD_VERSION) {
    return refuse('UNSUPPORTED_COMPRESSION_TYPE', `zstd needs version ${ZSTD_VERSION} of Produce`)
  }
  if (header.baseOffset !== 0) return refuse('INVALID_RECORD', 'the base offset of a new batch must be 0')
  if (header.recordsCount <= 0 || header.lastOffsetDelta !== header.recordsCount - 1) {
    return refuse('INVALID_RECORD', 'the number of records does not fit the last offset')
  }
  if (header.control) return refuse('INVALID_RECORD', 'control batches are written by brokers alone')
  if (header.transactional && header.producerId < 0)
    return refuse('INVALID_RECORD', 'a transaction needs a producer id')
  if (header.producerId >= 0 && (header.baseSequence < 0 || header.producerEpoch < 0)) {
    return refuse('INVALID_RECORD', 'a producer id needs a sequence number and an epoch')
  }
  return undefined
}

function checkTimes(batch: Buffer, header: BatchHeader, config: TopicConfig, now: number): CheckedBatch | undefined {
  if (config.appendTime) return undefined
  // Whatever the topic allows: the metadata could not give back what no number holds exactly.
  if (!Number.isSafeInteger(header.maxTimestamp)) return refuse('INVALID_TIMESTAMP', 'there is no such time')
  const latest = now + config.timestampAfterMaxMs
  const earliest = now - config.timestampBeforeMaxMs
  // The header tells the latest timestamp, and the first one, which is the earliest of all but odd producers.
  const isEarly = header.baseTimestamp !== NO_TIMESTAMP && header.baseTimestamp < earliest
  if (header.maxTimestamp <= latest && !isEarly) return undefined
  return {
    ok: false,
    error: 'INVALID_TIMESTAMP',
    message: 'One or more records have been rejected due to invalid timestamp',
    records: misdatedRecords(batch, earliest, latest),
  }
}

/** The records to blame; none where they cannot be read, which is told by the batch alone. */
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

/**
 * Walks over the records, where they are not compressed: there are as many as the header says, and they are numbered
 * in their order. This takes some ten nanoseconds a record; to unpack compressed ones would take a hundred times that.
 */
function checkRecords(batch: Buffer, header: BatchHeader): CheckedBatch | undefined {
  if (header.codec !== 0) return undefined
  const walk = new RecordWalk(batch, batchHeaderBytes)
  for (let number = 0; number < header.recordsCount; number++) {
    const sizeBytes = walk.varint()
    const end = walk.position + sizeBytes
    // Attributes, then how much later than the first record this one is.
    walk.position += 1
    walk.skipVarint()
    const offsetDelta = walk.varint()
    if (sizeBytes < 0 || end > batch.length || walk.position > end) {
      return refuse('INVALID_RECORD', `record ${number} does not fit into its batch`)
    }
    if (offsetDelta !== number)
      return refuse('INVALID_RECORD', `record ${number} says that it is number ${offsetDelta}`)
    walk.position = end
  }
  if (walk.position === batch.length) return undefined
  return refuse('INVALID_RECORD', 'there are more records than the batch says')
}

class RecordWalk {
  position: number
  readonly #bytes: Buffer

  constructor(bytes: Buffer, position: number) {
    this.#bytes = bytes
    this.position = position
  }

  /** A zigzag number of at most 32 bits. Beyond the end there are zeros, which the caller notices. */
  varint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes[this.position++] ?? 0
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) break
    }
    return (value >>> 1) ^ -(value & 1)
  }

  skipVarint(): void {
    while ((this.#bytes[this.position++] ?? 0) >= 0x80);
  }
}

function checkKeys(batch: Buffer, config: TopicConfig): CheckedBatch | undefined {
  if (!config.compact) return undefined
  const keyless: { index: number; message: string }[] = []
  try {
    readRecords(batch, MAX_UNPACKED_BYTES).forEach(({ key }, index) => {
      if (key === null) keyless.push({ index, message: 'a compacted topic takes no record without a key' })
    })
  } catch (error) {
    return refuse('CORRUPT_MESSAGE', `the records cannot be read: ${messageOf(error)}`)
  }
  if (keyless.length === 0) return undefined
  return {
    ok: false,
    error: 'INVALID_RECORD',
    message: 'a compacted topic takes no record without a key',
    records: keyless,
  }
}

function refuse(error: ErrorName, message: string): CheckedBatch {
  return { ok: false, error, message }
}
