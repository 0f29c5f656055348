// ElectLeaders v0–v2: the preferred leader always leads, so no election is ever needed (KIP-460).
//
// Behaviour: null requests all partitions and returns only those where something happened: none. An unknown type of
// election is INVALID_REQUEST, as a whole and for each partition.
import { ErrorCode, errorMessage } from '../../kafka/index.ts'
import { defineHandler } from '../handler.ts'
import { allowsCluster } from '../security/authorizer.ts'

const electionTypes = { preferred: 0, unclean: 1 } as const

export default defineHandler('ElectLeaders', {
  async handle({ electionType, topicPartitions }, { version, access, broker }) {
    if (!allowsCluster(access, 'alter')) {
      return { errorCode: ErrorCode.CLUSTER_AUTHORIZATION_FAILED, replicaElectionResults: [] }
    }
    const isLegal = version === 0 || Object.values<number>(electionTypes).includes(electionType)
    const message = `Unknown election type ${electionType}`
    const { byName } = await broker.metadata.refresh()
    const replicaElectionResults = (topicPartitions ?? []).map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map(partitionId => {
        if (!isLegal) return { partitionId, errorCode: ErrorCode.INVALID_REQUEST, errorMessage: message }
        const isKnown = byName.get(topic)?.partitions[partitionId] !== undefined
        const errorCode = isKnown ? ErrorCode.ELECTION_NOT_NEEDED : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        return { partitionId, errorCode, errorMessage: errorMessage(errorCode) }
      }),
    }))
    return { errorCode: isLegal ? ErrorCode.NONE : ErrorCode.INVALID_REQUEST, replicaElectionResults }
  },
  failed: ({ topicPartitions }, errorCode) => ({
    errorCode,
    replicaElectionResults: (topicPartitions ?? []).map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map(partitionId => ({ partitionId, errorCode })),
    })),
  }),
})
