import { type BatchHeader, readBatchHeader, writeRecords } from '../../kafka/index.ts'
import type { PartitionId, TransactionEnd } from '../../metadata/index.ts'
import type { Append } from './flush-buffer.ts'

const ABORT = 0
const COMMIT = 1

/**
 * Builds the batch that marks the end of a transaction in a partition: one control record, whose key has the version
 * and the kind of the marker, and whose value has the version and the coordinator's epoch (KIP-98;
 * EndTransactionMarker). It takes one offset. `timestamp` is in milliseconds since 1970.
 */
function markerBatch(end: TransactionEnd, coordinatorEpoch: number, timestamp: number): Buffer {
  const key = Buffer.alloc(4)
  key.writeInt16BE(end.commit ? COMMIT : ABORT, 2)
  const value = Buffer.alloc(6)
  value.writeInt32BE(coordinatorEpoch, 2)
  return writeRecords([{ key, value }], {
    timestamp,
    transactional: true,
    control: true,
    producerId: end.producer.producerId,
    producerEpoch: end.markerEpoch,
  })
}

/** The markers of a transaction, ready to be appended. */
export function markerAppends(
  end: TransactionEnd,
  partitions: readonly PartitionId[],
  coordinatorEpoch: number,
  timestamp: number,
): Append[] {
  const records = markerBatch(end, coordinatorEpoch, timestamp)
  // The bytes are a whole batch that was just written.
  const header: BatchHeader = readBatchHeader(records)!
  return partitions.map(partition => ({
    partition,
    records,
    header,
    appendTime: false,
    transaction: { kind: 'marker', end },
  }))
}
