export type { Api } from './api.ts'

export { crc32c } from './crc32c.ts'
export { type ErrorName, ErrorCode, KafkaError, errorMessage, errorName } from './errors.ts'
export { type RequestHeader, readRequestHeader, readResponse, requestFrame, responseFrame, startBody } from './frame.ts'
export * from './messages/index.gen.ts'
export { murmur2 } from './murmur2.ts'
export { ProtocolError, Reader, zeroUuid } from './reader.ts'
export { Writer } from './writer.ts'
export {
  type BatchHeader,
  batchCrcFits,
  batchExtent,
  batchHeaderBytes,
  placeBatch,
  placedHeader,
  readBatchHeader,
  withLastOffsetDelta,
  withMaxTimestamp,
  writeBatch,
} from './record-batch.ts'
export { compress, decompress } from './compression/index.ts'
export { type KafkaRecord, keepRecords, readRecords, writeRecords } from './records.ts'
export {
  matchesPassword,
  maxIterations,
  minIterations,
  type ScramChallenge,
  scramChallenge,
  ScramError,
  type ScramHash,
  type ScramKeys,
  scramKeysOf,
  scramKeysOfSalted,
  scramUsername,
  scramVerify,
} from './scram.ts'
