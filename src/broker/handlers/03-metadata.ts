// Metadata v0–v13: the brokers, and topics with their partitions and leaders.
//
// Behaviour: null (in v0 an empty list) requests all topics. A named topic that does not exist is created if
// the client and the broker allow it; otherwise the error affects only that topic. Before a topic is
// reported as unknown, the catalog is reloaded, because another broker may have created it. v4
// allowAutoTopicCreation. v10 topic ids. v12 topics by id.
import { ErrorCode, KafkaError, zeroUuid } from '../../kafka/index.ts'
import type { Topic } from '../../metadata/index.ts'
import { clusterResource } from '../security/acls.ts'
import { authorizedOperations, operationsNotAsked } from '../security/authorizer.ts'
import { leaderEpoch } from '../cluster.ts'
import { offsetsTopicName } from '../groups/index.ts'
import { type BrokerContext, defineHandler, type RequestContext, type RequestOf, type ResponseOf } from '../handler.ts'
import { checkTopicName, createPlanned, mayCreateTopic, planTopic } from '../topics.ts'

type Request = RequestOf<'Metadata'>
type TopicAnswer = ResponseOf<'Metadata'>['topics'][number]

export default defineHandler('Metadata', {
  unavailable: 'LEADER_NOT_AVAILABLE',
  async handle(request, context) {
    return answerCluster(request, await answerTopics(request, context), context)
  },
  failed(request, errorCode, context) {
    const { topics } = request
    // If an incomplete list were returned as all topics, the missing ones would look deleted.
    if (topics === null || topics.length === 0) return undefined
    const { byName, byId } = context.broker.metadata.catalog()
    const answers = topics.map(({ name, topicId }): TopicAnswer => {
      const topic = topicId === zeroUuid ? byName.get(name ?? '') : byId.get(topicId)
      const isVisible = topic !== undefined && context.access.allows('describe', 'topic', topic.name)
      return isVisible ? answerTopic(topic, context) : { errorCode, name: name ?? '', topicId, partitions: [] }
    })
    return answerCluster(request, answers, context)
  },
})

function answerCluster(
  request: Request,
  topics: readonly TopicAnswer[],
  { access, broker, clientId }: RequestContext,
): ResponseOf<'Metadata'> {
  const cluster = broker.cluster.seenBy(clientId)
  const operationsOn = (name: string) =>
    request.includeTopicAuthorizedOperations ? authorizedOperations(access, 'topic', name) : operationsNotAsked
  return {
    brokers: cluster.brokers().map(({ nodeId, host, port, rack }) => ({ nodeId, host, port, rack })),
    clusterId: broker.metadata.clusterId,
    controllerId: cluster.controller().nodeId,
    topics: topics.map(topic =>
      topic.errorCode ? topic : { ...topic, topicAuthorizedOperations: operationsOn(topic.name!) },
    ),
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
      ? authorizedOperations(access, 'cluster', clusterResource)
      : operationsNotAsked,
  }
}

async function answerTopics(request: Request, context: RequestContext): Promise<TopicAnswer[]> {
  const { version, access, broker } = context
  const { topics } = request
  if (topics === null || (version === 0 && topics.length === 0)) {
    const { byName } = await broker.metadata.refresh()
    const visible = [...byName.values()].filter(({ name }) => access.allows('describe', 'topic', name))
    return visible.map(topic => answerTopic(topic, context))
  }
  const byId = topics.filter(topic => topic.topicId !== zeroUuid)
  if ((byId.length > 0 || topics.some(({ name }) => name === null)) && version < 12) {
    return topics.map(topic => ({
      errorCode: ErrorCode.INVALID_REQUEST,
      name: topic.name ?? '',
      topicId: topic.topicId,
      partitions: [],
    }))
  }
  const names = [...new Set(topics.flatMap(topic => (topic.topicId === zeroUuid ? [topic.name ?? ''] : [])))]
  return [
    ...(await answerNames(names, request.allowAutoTopicCreation, context)),
    ...(await answerIds(
      byId.map(topic => topic.topicId),
      context,
    )),
  ]
}

async function answerNames(
  asked: readonly string[],
  mayCreate: boolean,
  context: RequestContext,
): Promise<TopicAnswer[]> {
  const { access, broker } = context
  const names = asked.filter(name => access.allows('describe', 'topic', name))
  let catalog = broker.metadata.catalog()
  const isMissing = (name: string) => !catalog.byName.has(name)
  if (names.some(isMissing)) catalog = await broker.metadata.refresh()
  const problems = new Map<string, KafkaError>()
  if (names.some(isMissing)) {
    const missing = names.filter(isMissing)
    const creates = mayCreate && broker.config.autoCreateTopicsEnable
    const refused = creates ? missing.filter(name => !mayCreateTopic(access, name)) : []
    for (const name of refused) problems.set(name, new KafkaError(ErrorCode.TOPIC_AUTHORIZATION_FAILED))
    await createMissing(
      missing.filter(name => !problems.has(name)),
      creates,
      broker,
      problems,
    )
    catalog = broker.metadata.catalog()
  }
  return asked.map(name => {
    if (!names.includes(name)) return { errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED, name, partitions: [] }
    const topic = catalog.byName.get(name)
    if (topic !== undefined) return answerTopic(topic, context)
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
  if (planned.length === 0) return
  const outcomes = await createPlanned(planned, broker)
  // A topic that another client created at the same moment is not an error: it is in the catalog afterwards.
  for (const [index, outcome] of outcomes.entries()) {
    const isStored = !(outcome instanceof KafkaError) || outcome.code !== ErrorCode.KAFKA_STORAGE_ERROR
    if (!isStored) problems.set(planned[index]!.name, new KafkaError(ErrorCode.LEADER_NOT_AVAILABLE))
  }
}

async function answerIds(ids: readonly string[], context: RequestContext): Promise<TopicAnswer[]> {
  const { access, broker } = context
  if (ids.length === 0) return []
  let catalog = broker.metadata.catalog()
  if (ids.some(id => !catalog.byId.has(id))) catalog = await broker.metadata.refresh()
  return ids.map(topicId => {
    const topic = catalog.byId.get(topicId)
    if (topic !== undefined && access.allows('describe', 'topic', topic.name)) return answerTopic(topic, context)
    return { errorCode: ErrorCode.UNKNOWN_TOPIC_ID, name: null, topicId, partitions: [] }
  })
}

function answerTopic(topic: Topic, { broker, clientId }: RequestContext): TopicAnswer {
  const cluster = broker.cluster.seenBy(clientId)
  return {
    name: topic.name,
    topicId: topic.id,
    isInternal: topic.name === offsetsTopicName,
    partitions: topic.partitions.map((_, partitionIndex) => {
      const leaderId = cluster.leaderOf(topic.name, partitionIndex).nodeId
      return { partitionIndex, leaderId, leaderEpoch, replicaNodes: [leaderId], isrNodes: [leaderId] }
    }),
  }
}
