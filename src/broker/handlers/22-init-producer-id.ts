// InitProducerId v0–v5: an id and an epoch for an idempotent or transactional producer.
//
// Behaviour: without a transactional id every call returns an unused id, with epoch 0; an id that the client already
// had is ignored, as there is nothing to fence. A transactional id keeps its producer id and gets the next epoch;
// another producer's open transaction under it is aborted first, and that producer fenced. v3: a producer that
// continues after an error sends its id and epoch, and is refused if it is no longer the owner (KIP-360). v4:
// PRODUCER_FENCED instead of INVALID_PRODUCER_EPOCH.
import { ErrorCode } from '../../kafka/index.ts'
import { defineHandler, type RequestContext, type RequestOf, type ResponseOf } from '../handler.ts'
import { allowsCluster } from '../security/authorizer.ts'
import { transactionErrorCode } from '../transactions/index.ts'

type Request = RequestOf<'InitProducerId'>

export default defineHandler('InitProducerId', {
  unavailable: 'COORDINATOR_NOT_AVAILABLE',
  handle(request, context) {
    // An id without an epoch, or an epoch without an id, is invalid.
    if ((request.producerId === -1) !== (request.producerEpoch === -1)) return { errorCode: ErrorCode.INVALID_REQUEST }
    return request.transactionalId === null
      ? idempotent(context)
      : transactional(request.transactionalId, request, context)
  },
  failed: (_request, errorCode) => ({ errorCode, producerId: -1, producerEpoch: -1 }),
})

async function idempotent({ access, broker }: RequestContext): Promise<ResponseOf<'InitProducerId'>> {
  if (!allowsCluster(access, 'idempotent_write') && !access.allowsAny('write', 'topic')) {
    return { errorCode: ErrorCode.CLUSTER_AUTHORIZATION_FAILED }
  }
  return { producerId: await broker.records.newProducerId(), producerEpoch: 0 }
}

async function transactional(
  id: string,
  { transactionTimeoutMs, producerId, producerEpoch: epoch }: Request,
  { version, access, broker }: RequestContext,
): Promise<ResponseOf<'InitProducerId'>> {
  if (!access.allows('write', 'transactional_id', id)) {
    return { errorCode: ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED }
  }
  if (id === '') return { errorCode: ErrorCode.INVALID_REQUEST }
  if (transactionTimeoutMs <= 0 || transactionTimeoutMs > broker.config.transactionMaxTimeoutMs) {
    return { errorCode: ErrorCode.INVALID_TRANSACTION_TIMEOUT }
  }
  const former = producerId < 0 ? null : { producerId, epoch }
  const outcome = await broker.transactions.init(id, former, transactionTimeoutMs)
  if (!outcome.ok) return { errorCode: transactionErrorCode(outcome.code, version >= 4) }
  return { producerId: outcome.producer.producerId, producerEpoch: outcome.producer.epoch }
}
