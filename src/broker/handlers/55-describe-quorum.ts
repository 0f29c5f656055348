// DescribeQuorum v0–v2: a synthetic answer, for tools that monitor Kafka's own controllers (KIP-595, KIP-836, KIP-853).
//
// Behaviour: the metadata is in a database, which has no quorum. Every broker is shown as a voter that has caught up,
// the controller as the leader, and the version of the catalog as the end of the log.
import { ErrorCode, errorMessage, zeroUuid } from '../../kafka/index.ts'
import { type BrokerContext, defineHandler } from '../handler.ts'
import { allowsCluster } from '../security/authorizer.ts'

const metadataTopic = '__cluster_metadata'
const quorumEpoch = 1

export default defineHandler('DescribeQuorum', {
  async handle(request, { access, broker }) {
    if (!allowsCluster(access, 'describe')) return failed(ErrorCode.CLUSTER_AUTHORIZATION_FAILED)
    await broker.metadata.refresh()
    const topics = request.topics.map(({ topicName, partitions }) => ({
      topicName,
      partitions: partitions.map(({ partitionIndex }) =>
        topicName === metadataTopic && partitionIndex === 0
          ? quorum(broker)
          : unknownPartition(partitionIndex, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
      ),
    }))
    const nodes = broker.cluster.brokers().map(({ nodeId, host, port }) => ({
      nodeId,
      listeners: [{ name: 'PLAINTEXT', host, port }],
    }))
    return { errorCode: ErrorCode.NONE, errorMessage: null, topics, nodes }
  },
  failed: (_request, errorCode) => failed(errorCode),
})

function quorum({ cluster, metadata, clock }: BrokerContext) {
  const highWatermark = metadata.catalog().version
  const now = clock.now()
  return {
    partitionIndex: 0,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    leaderId: cluster.controller().nodeId,
    leaderEpoch: quorumEpoch,
    highWatermark,
    currentVoters: cluster.brokers().map(({ nodeId }) => ({
      replicaId: nodeId,
      replicaDirectoryId: zeroUuid,
      logEndOffset: highWatermark,
      lastFetchTimestamp: now,
      lastCaughtUpTimestamp: now,
    })),
    observers: [],
  }
}

function unknownPartition(partitionIndex: number, errorCode: ErrorCode) {
  return {
    partitionIndex,
    errorCode,
    errorMessage: errorMessage(errorCode),
    leaderId: -1,
    leaderEpoch: -1,
    highWatermark: -1,
    currentVoters: [],
    observers: [],
  }
}

function failed(errorCode: ErrorCode) {
  return { errorCode, errorMessage: errorMessage(errorCode), topics: [], nodes: [] }
}
