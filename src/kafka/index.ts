export type { Api } from './api.ts'
export { compress, decompress } from './compression/index.ts'
export { crc32c } from './crc32c.ts'
export { type ErrorName, ErrorCode, KafkaError, errorMessage, errorName, isRetriable } from './errors.ts'
export { type RequestHeader, readRequestHeader, readResponse, requestFrame, responseFrame, startBody } from './frame.ts'
export * from './messages/index.gen.ts'
export { murmur2 } from './murmur2.ts'
export { ProtocolError, Reader, type Uuid, zeroUuid } from './reader.ts'
export {
  type BatchFields,
  type BatchHeader,
  type CompressionName,
  batchCrcFits,
  batchExtent,
  batchHeaderBytes,
  compressionNames,
  placeBatch,
  placedHeader,
  readBatchHeader,
  writeBatch,
} from './record-batch.ts'
export { type KafkaRecord, type NewRecord, type RecordHeader, readRecords, writeRecords } from './records.ts'
export { type Slices, Writer } from './writer.ts'
