// FindCoordinator v0–v6: which broker coordinates a group or a transactional id.
//
// v1 transactional ids. v4 several keys, each with an answer of its own. v6 share groups, of which there are none.
import { ErrorCode, errorMessage } from '../../kafka/index.ts'
import { type BrokerContext, defineHandler } from '../handler.ts'

const groupType = 0
const transactionType = 1

export default defineHandler('FindCoordinator', {
  handle(request, { version, broker }) {
    if (version >= 4) return { coordinators: request.coordinatorKeys.map(key => find(key, request.keyType, broker)) }
    const { key: _key, ...coordinator } = find(request.key, request.keyType, broker)
    return { ...coordinator, coordinators: [] }
  },
})

function find(key: string, keyType: number, { cluster }: BrokerContext) {
  if (keyType !== groupType && keyType !== transactionType) {
    const errorCode = ErrorCode.INVALID_REQUEST
    return { key, errorCode, errorMessage: errorMessage(errorCode), nodeId: -1, host: '', port: -1 }
  }
  const { nodeId, host, port } = cluster.coordinatorOf(key)
  return { key, errorCode: ErrorCode.NONE, errorMessage: null, nodeId, host, port }
}
