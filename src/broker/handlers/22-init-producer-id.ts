// InitProducerId v0–v5: an id for an idempotent producer.
//
// Behaviour: every call gives an unused id, with epoch 0. An id that the client had already is not
// looked at, as without a transactional id there is nothing that it would fence (KIP-360). Transactional ids are
// refused: transactions are not kept yet.
import { ErrorCode } from '../../kafka/index.ts'
import { defineHandler } from '../handler.ts'
import { allowsCluster } from '../security/authorizer.ts'

export default defineHandler('InitProducerId', {
  async handle(request, { access, broker }) {
    if (request.transactionalId !== null) return { errorCode: ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED }
    if (!allowsCluster(access, 'idempotent_write') && !access.allowsAny('write', 'topic')) {
      return { errorCode: ErrorCode.CLUSTER_AUTHORIZATION_FAILED }
    }
    return { producerId: await broker.records.newProducerId(), producerEpoch: 0 }
  },
})
