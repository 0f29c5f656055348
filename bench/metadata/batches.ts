import type { NewBatch } from '../../src/metadata/index.ts'

/** A batch of one record of 1,000 bytes, at a place of its object; `producerId` is -1 if it is not idempotent. */
export function newBatch(partition: number, place: number, sequence: number, producerId: number): NewBatch {
  return {
    partition,
    position: place * 1000,
    sizeBytes: 1000,
    records: 1,
    maxTimestamp: 1_700_000_000_000,
    appendTime: false,
    producerId,
    producerEpoch: 0,
    baseSequence: sequence,
    transaction: null,
  }
}
