// AlterPartitionReassignments v0–v1: validated, accepted, and immediately complete (KIP-455).
//
// Behaviour: partitions have no replicas that could be moved; every broker serves all records of the bucket. A
// reassignment to existing brokers is therefore complete as soon as it is accepted, and none can be cancelled.
import { ErrorCode, errorMessage, KafkaError } from '../../kafka/index.ts'
import { type BrokerContext, defineHandler } from '../handler.ts'
import { allowsCluster } from '../security/authorizer.ts'
import { checkReplicas } from '../topics.ts'

export default defineHandler('AlterPartitionReassignments', {
  async handle(request, { access, broker }) {
    const { allowReplicationFactorChange } = request
    if (!allowsCluster(access, 'alter')) {
      const errorCode = ErrorCode.CLUSTER_AUTHORIZATION_FAILED
      return { allowReplicationFactorChange, errorCode, errorMessage: errorMessage(errorCode), responses: [] }
    }
    const { byName } = await broker.metadata.refresh()
    const responses = request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex, replicas }) => {
        const isKnown = byName.get(name)?.partitions[partitionIndex] !== undefined
        return { partitionIndex, ...outcomeOf(isKnown, replicas, broker) }
      }),
    }))
    return { allowReplicationFactorChange, errorCode: ErrorCode.NONE, errorMessage: null, responses }
  },
  failed: (_request, errorCode) => ({ errorCode, responses: [] }),
})

function outcomeOf(isKnown: boolean, replicas: readonly number[] | null, broker: BrokerContext) {
  try {
    if (!isKnown) throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    if (replicas === null) throw new KafkaError(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS)
    checkReplicas(replicas, broker)
    return { errorCode: ErrorCode.NONE, errorMessage: null }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return { errorCode: error.code, errorMessage: error.message }
  }
}
