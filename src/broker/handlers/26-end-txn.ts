// EndTxn v0–v5: commits or aborts a transaction.
//
// Behaviour: when the response is sent, the transaction has ended in all of its partitions, and its offsets belong to
// their groups. A repetition with the same outcome gets the same answer. v2: PRODUCER_FENCED instead of
// INVALID_PRODUCER_EPOCH. v5: the producer continues with the next epoch, which is returned (KIP-890).
import { ErrorCode } from '../../kafka/index.ts'
import { defineHandler } from '../handler.ts'
import { transactionErrorCode } from '../transactions/index.ts'

/** From this version on, every transaction has a separate epoch. */
const NEXT_EPOCH_VERSION = 5

export default defineHandler('EndTxn', {
  unavailable: 'COORDINATOR_NOT_AVAILABLE',
  async handle({ transactionalId, producerId, producerEpoch: epoch, committed }, { version, access, broker }) {
    if (transactionalId === '') return { errorCode: ErrorCode.INVALID_REQUEST }
    if (!access.allows('write', 'transactional_id', transactionalId)) {
      return { errorCode: ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED }
    }
    const nextEpoch = version >= NEXT_EPOCH_VERSION
    const outcome = await broker.transactions.end(transactionalId, { producerId, epoch }, committed, nextEpoch)
    if (!outcome.ok) return { errorCode: transactionErrorCode(outcome.code, version >= 2) }
    return { errorCode: ErrorCode.NONE, producerId: outcome.producer.producerId, producerEpoch: outcome.producer.epoch }
  },
  failed: (_request, errorCode) => ({ errorCode }),
})
