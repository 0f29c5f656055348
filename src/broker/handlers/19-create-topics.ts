// CreateTopics v0–v7: creates topics, each with its own result.
//
// Behaviour: a name that the request contains twice is INVALID_REQUEST. Any replication factor is accepted, as the
// object store replicates. v1 validateOnly. v4 -1 selects defaults. v5 returns partitions, replicas and configs. v6 the
// controller mutation quota (KIP-599). v7 returns the id.
import { ErrorCode, KafkaError } from '../../kafka/index.ts'
import { describeTopicConfigs } from '../config-description.ts'
import { type BrokerContext, defineHandler, type ResponseOf } from '../handler.ts'
import type { Access } from '../security/authorizer.ts'
import {
  createPlanned,
  type PlannedTopic,
  mayCreateTopic,
  planTopic,
  shownReplicationFactor,
  type TopicRequest,
} from '../topics.ts'

type Result = ResponseOf<'CreateTopics'>['topics'][number]

export default defineHandler('CreateTopics', {
  async handle(request, { version, access, limits, broker }) {
    const catalog = await broker.metadata.refresh()
    const results = new Map<string, Result>()
    const planned: PlannedTopic[] = []
    const factors = new Map<string, number>()
    for (const topic of request.topics) {
      try {
        if (results.has(topic.name) || factors.has(topic.name))
          throw new KafkaError(ErrorCode.INVALID_REQUEST, 'Duplicate topic name.')
        if (!mayCreateTopic(access, topic.name)) throw new KafkaError(ErrorCode.TOPIC_AUTHORIZATION_FAILED)
        const plan = planTopic(topic, catalog, broker)
        if (!request.validateOnly && version >= 6) limits.mutate(plan.partitions)
        planned.push(plan)
        factors.set(topic.name, replicationFactorOf(topic))
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        results.set(topic.name, failed(topic.name, error))
      }
    }
    const wanted = planned.filter(({ name }) => !results.has(name))
    const created = request.validateOnly ? wanted.map(() => undefined) : await createPlanned(wanted, broker)
    wanted.forEach((topic, i) => {
      const outcome = created[i]
      const result =
        outcome instanceof KafkaError
          ? failed(topic.name, outcome)
          : succeeded(topic, outcome?.id, factors.get(topic.name)!, broker, access)
      results.set(topic.name, result)
    })
    return { topics: [...new Set(request.topics.map(({ name }) => name))].map(name => results.get(name)!) }
  },
  failed: ({ topics }, errorCode) => ({ topics: topics.map(({ name }) => ({ name, errorCode, configs: [] })) }),
})

function replicationFactorOf({ assignments, replicationFactor }: TopicRequest): number {
  return assignments[0]?.brokerIds.length ?? replicationFactor
}

function succeeded(
  topic: PlannedTopic,
  topicId: string | undefined,
  factor: number,
  broker: BrokerContext,
  access: Access,
): Result {
  if (!access.allows('describe_configs', 'topic', topic.name)) {
    const topicConfigErrorCode = ErrorCode.TOPIC_AUTHORIZATION_FAILED
    return { name: topic.name, topicId, numPartitions: -1, replicationFactor: -1, configs: null, topicConfigErrorCode }
  }
  return {
    name: topic.name,
    topicId,
    numPartitions: topic.partitions,
    replicationFactor: shownReplicationFactor(factor, broker),
    configs: describeTopicConfigs(topic.configs, broker.config).map(({ name, value, source }) => ({
      name,
      value,
      readOnly: false,
      configSource: source,
      isSensitive: false,
    })),
  }
}

function failed(name: string, { code, message }: KafkaError): Result {
  return { name, errorCode: code, errorMessage: message, configs: [] }
}
