// ElectLeaders v0–v2: the preferred leader always leads, so no election is ever needed (KIP-460).
//
// Behaviour: null asks for all partitions and names only those where something happened: none.
import { ErrorCode, errorMessage } from '../../kafka/index.ts'
import { defineHandler } from '../handler.ts'
import { allowsCluster } from '../security/authorizer.ts'

export default defineHandler('ElectLeaders', {
  async handle({ topicPartitions }, { access, broker }) {
    if (!allowsCluster(access, 'alter')) {
      return { errorCode: ErrorCode.CLUSTER_AUTHORIZATION_FAILED, replicaElectionResults: [] }
    }
    const { byName } = await broker.metadata.refresh()
    const replicaElectionResults = (topicPartitions ?? []).map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map(partitionId => {
        const isKnown = byName.get(topic)?.partitions[partitionId] !== undefined
        const errorCode = isKnown ? ErrorCode.ELECTION_NOT_NEEDED : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        return { partitionId, errorCode, errorMessage: errorMessage(errorCode) }
      }),
    }))
    return { replicaElectionResults }
  },
  failed: ({ topicPartitions }, errorCode) => ({
    errorCode,
    replicaElectionResults: (topicPartitions ?? []).map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map(partitionId => ({ partitionId, errorCode })),
    })),
  }),
})
