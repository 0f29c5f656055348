// FindCoordinator v0–v6: which broker coordinates a group or a transactional id.
//
// v1 transactional ids. v4 several keys, each with its own result. v6 share groups, of which there are none.
import { ErrorCode, errorMessage } from '../../kafka/index.ts'
import { MetadataError } from '../../metadata/index.ts'
import { leaseOfGroup, leaseOfTransaction } from '../shard.ts'
import { defineHandler, type RequestContext } from '../handler.ts'

const groupType = 0
const transactionType = 1

export default defineHandler('FindCoordinator', {
  unavailable: 'COORDINATOR_NOT_AVAILABLE',
  async handle(request, context) {
    if (context.version >= 4) {
      const coordinators = await Promise.all(request.coordinatorKeys.map(key => find(key, request.keyType, context)))
      return { coordinators }
    }
    const { key: _key, ...coordinator } = await find(request.key, request.keyType, context)
    return { ...coordinator, coordinators: [] }
  },
  failed: ({ key, coordinatorKeys }, errorCode) => ({
    ...refuse(key, errorCode),
    coordinators: coordinatorKeys.map(one => refuse(one, errorCode)),
  }),
})

async function find(key: string, keyType: number, context: RequestContext) {
  const { access } = context
  if (keyType !== groupType && keyType !== transactionType) return refuse(key, ErrorCode.INVALID_REQUEST)
  if (keyType === groupType && !access.allows('describe', 'group', key)) {
    return refuse(key, ErrorCode.GROUP_AUTHORIZATION_FAILED)
  }
  if (keyType === transactionType && !access.allows('describe', 'transactional_id', key)) {
    return refuse(key, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
  }
  try {
    const { nodeId, host, port } = await coordinatorOf(key, keyType, context)
    return { key, errorCode: ErrorCode.NONE, errorMessage: null, nodeId, host, port }
  } catch (error) {
    if (!(error instanceof MetadataError)) throw error
    return refuse(key, ErrorCode.COORDINATOR_NOT_AVAILABLE)
  }
}

/** The holder of the lease; a free lease goes to the broker that the cluster prefers for it. */
async function coordinatorOf(key: string, keyType: number, { broker, clientId }: RequestContext) {
  const { cluster, leases, config } = broker
  const view = cluster.seenBy(clientId)
  const preferred = view.coordinatorOf(key)
  const lease = keyType === transactionType ? leaseOfTransaction(key) : leaseOfGroup(key)
  const coordinator = (await leases.holderOf(lease, preferred.nodeId === config.nodeId)) ?? preferred
  view.noteCoordinator(coordinator.nodeId)
  return coordinator
}

function refuse(key: string, errorCode: ErrorCode) {
  return { key, errorCode, errorMessage: errorMessage(errorCode), nodeId: -1, host: '', port: -1 }
}
