// ListPartitionReassignments v0: there are no replicas to move, so none is ever in progress (KIP-455).
import { ErrorCode } from '../../kafka/index.ts'
import { defineHandler } from '../handler.ts'
import { allowsCluster } from '../security/authorizer.ts'

export default defineHandler('ListPartitionReassignments', {
  handle(_request, { access }) {
    const errorCode = allowsCluster(access, 'describe') ? ErrorCode.NONE : ErrorCode.CLUSTER_AUTHORIZATION_FAILED
    return { errorCode, topics: [] }
  },
  failed: (_request, errorCode) => ({ errorCode, topics: [] }),
})
