// AddOffsetsToTxn v0–v4: announces that a transaction will contain offsets of a
// group; the transaction begins if none is open.
//
// Behaviour: the offsets themselves come with TxnOffsetCommit, which before its v5 is refused for a group that was
// not added. v2: PRODUCER_FENCED instead of INVALID_PRODUCER_EPOCH.
import { ErrorCode } from '../../kafka/index.ts'
import { defineHandler } from '../handler.ts'
import { transactionErrorCode } from '../transactions/index.ts'

export default defineHandler('AddOffsetsToTxn', {
  unavailable: 'COORDINATOR_NOT_AVAILABLE',
  async handle({ transactionalId, producerId, producerEpoch: epoch, groupId }, { version, access, broker }) {
    if (transactionalId === '') return { errorCode: ErrorCode.INVALID_REQUEST }
    if (!access.allows('write', 'transactional_id', transactionalId)) {
      return { errorCode: ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED }
    }
    if (!access.allows('read', 'group', groupId)) return { errorCode: ErrorCode.GROUP_AUTHORIZATION_FAILED }
    const outcome = await broker.transactions.addGroup(transactionalId, { producerId, epoch }, groupId)
    return { errorCode: outcome.ok ? ErrorCode.NONE : transactionErrorCode(outcome.code, version >= 2) }
  },
  failed: (_request, errorCode) => ({ errorCode }),
})
