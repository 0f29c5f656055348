// Metadata v0–v13: the brokers, and topics with their partitions and leaders.
//
// Behaviour: null (in v0 an empty list) asks for all topics. A named topic that does not exist is created when the
// client and the broker allow it, else it is an error of that topic alone. Before a topic is called unknown, the
// catalog is read again, because another broker may have created it.
// v4 allowAutoTopicCreation. v10 topic ids. v12 topics asked for by id.
import { ErrorCode, KafkaError, zeroUuid } from '../../kafka/index.ts'
import type { Topic } from '../../metadata/index.ts'
import { clusterOperations, operationsNotAsked, topicOperations } from '../authorized-operations.ts'
import { leaderEpoch } from '../cluster.ts'
import { type BrokerContext, defineHandler, type RequestOf, type ResponseOf } from '../handler.ts'
import { checkTopicName, createPlanned, planTopic } from '../topics.ts'

type Request = RequestOf<'Metadata'>
type TopicAnswer = ResponseOf<'Metadata'>['topics'][number]

export default defineHandler('Metadata', {
  async handle(request, { version, broker }) {
    const { cluster, metadata } = broker
    const topics = await answerTopics(request, version, broker)
    const operations = request.includeTopicAuthorizedOperations ? topicOperations : operationsNotAsked
    return {
      brokers: cluster.brokers().map(({ nodeId, host, port, rack }) => ({ nodeId, host, port, rack })),
      clusterId: metadata.clusterId,
      controllerId: cluster.controller().nodeId,
      topics: topics.map(topic => (topic.errorCode ? topic : { ...topic, topicAuthorizedOperations: operations })),
      clusterAuthorizedOperations: request.includeClusterAuthorizedOperations ? clusterOperations : operationsNotAsked,
    }
  },
})

async function answerTopics(request: Request, version: number, broker: BrokerContext): Promise<TopicAnswer[]> {
  const { topics } = request
  if (topics === null || (version === 0 && topics.length === 0)) {
    const { byName } = await broker.metadata.refresh()
    return [...byName.values()].map(topic => answerTopic(topic, broker))
  }
  const byId = topics.filter(topic => topic.topicId !== zeroUuid)
  if (byId.length > 0 && version < 12) {
    return topics.map(topic => ({
      errorCode: ErrorCode.INVALID_REQUEST,
      name: topic.name ?? '',
      topicId: topic.topicId,
      partitions: [],
    }))
  }
  const names = [...new Set(topics.flatMap(topic => (topic.topicId === zeroUuid ? [topic.name ?? ''] : [])))]
  return [
    ...(await answerNames(names, request.allowAutoTopicCreation, broker)),
    ...(await answerIds(
      byId.map(topic => topic.topicId),
      broker,
    )),
  ]
}

async function answerNames(
  names: readonly string[],
  mayCreate: boolean,
  broker: BrokerContext,
): Promise<TopicAnswer[]> {
  let catalog = broker.metadata.catalog()
  const isMissing = (name: string) => !catalog.byName.has(name)
  if (names.some(isMissing)) catalog = await broker.metadata.refresh()
  const problems = new Map<string, KafkaError>()
  if (names.some(isMissing)) {
    await createMissing(names.filter(isMissing), mayCreate && broker.config.autoCreateTopicsEnable, broker, problems)
    catalog = broker.metadata.catalog()
  }
  return names.map(name => {
    const topic = catalog.byName.get(name)
    if (topic !== undefined) return answerTopic(topic, broker)
    const errorCode = problems.get(name)?.code ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    return { errorCode, name, partitions: [] }
  })
}

async function createMissing(
  names: readonly string[],
  mayCreate: boolean,
  broker: BrokerContext,
  problems: Map<string, KafkaError>,
): Promise<void> {
  const catalog = broker.metadata.catalog()
  const planned = names.flatMap(name => {
    try {
      checkTopicName(name)
      const request = { name, numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] }
      return mayCreate ? [planTopic(request, catalog, broker)] : []
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      problems.set(name, error)
      return []
    }
  })
  // What another client has created at this very moment is no problem: it is in the catalog afterwards.
  if (planned.length > 0) await createPlanned(planned, broker)
}

async function answerIds(ids: readonly string[], broker: BrokerContext): Promise<TopicAnswer[]> {
  if (ids.length === 0) return []
  let catalog = broker.metadata.catalog()
  if (ids.some(id => !catalog.byId.has(id))) catalog = await broker.metadata.refresh()
  return ids.map(topicId => {
    const topic = catalog.byId.get(topicId)
    if (topic !== undefined) return answerTopic(topic, broker)
    return { errorCode: ErrorCode.UNKNOWN_TOPIC_ID, name: null, topicId, partitions: [] }
  })
}

function answerTopic(topic: Topic, { cluster }: BrokerContext): TopicAnswer {
  return {
    name: topic.name,
    topicId: topic.id,
    partitions: topic.partitions.map((_, partitionIndex) => {
      const leaderId = cluster.leaderOf(topic.name, partitionIndex).nodeId
      return { partitionIndex, leaderId, leaderEpoch, replicaNodes: [leaderId], isrNodes: [leaderId] }
    }),
  }
}
