// CreatePartitions v0–v3: raises the number of partitions of topics, each with its own result.
//
// v3 the controller mutation quota (KIP-599).
//
// Behaviour: a count that is not larger is INVALID_PARTITIONS; a topic that the
// request contains twice is INVALID_REQUEST.
import { ErrorCode, KafkaError } from '../../kafka/index.ts'
import type { Catalog, Topic } from '../../metadata/index.ts'
import { type BrokerContext, defineHandler, type RequestOf } from '../handler.ts'
import { checkPartitionCount, checkReplicas } from '../topics.ts'

type Wanted = RequestOf<'CreatePartitions'>['topics'][number]

export default defineHandler('CreatePartitions', {
  async handle(request, { version, access, limits, broker }) {
    const catalog = await broker.metadata.refresh()
    const results = new Map<string, KafkaError | undefined>()
    const changes: { topic: Topic; partitions: number }[] = []
    for (const wanted of request.topics) {
      try {
        if (results.has(wanted.name)) throw new KafkaError(ErrorCode.INVALID_REQUEST, 'Duplicate topic name.')
        results.set(wanted.name, undefined)
        if (!access.allows('alter', 'topic', wanted.name)) throw new KafkaError(ErrorCode.TOPIC_AUTHORIZATION_FAILED)
        const topic = check(wanted, catalog, broker)
        if (!request.validateOnly && version >= 3) limits.mutate(wanted.count - topic.partitions.length)
        changes.push({ topic, partitions: wanted.count })
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        results.set(wanted.name, error)
      }
    }
    if (!request.validateOnly) {
      const accepted = changes.filter(({ topic }) => results.get(topic.name) === undefined)
      const outcomes = await broker.metadata.createPartitions(
        accepted.map(({ topic, partitions }) => ({ topic: topic.id, partitions })),
      )
      outcomes.forEach((outcome, i) => {
        if (!outcome.ok) results.set(accepted[i]!.topic.name, new KafkaError(ErrorCode[outcome.code]))
      })
    }
    return {
      results: [...results].map(([name, error]) => ({
        name,
        errorCode: error?.code ?? ErrorCode.NONE,
        errorMessage: error?.message ?? null,
      })),
    }
  },
  failed: ({ topics }, errorCode) => ({ results: topics.map(({ name }) => ({ name, errorCode })) }),
})

function check({ name, count, assignments }: Wanted, catalog: Catalog, broker: BrokerContext): Topic {
  const topic = catalog.byName.get(name)
  if (topic === undefined) throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  const current = topic.partitions.length
  if (count === current)
    throw new KafkaError(ErrorCode.INVALID_PARTITIONS, `Topic already has ${current} partition(s).`)
  if (count < current) {
    throw new KafkaError(
      ErrorCode.INVALID_PARTITIONS,
      `The topic ${name} currently has ${current} partition(s); ${count} would not be an increase.`,
    )
  }
  checkPartitionCount(count - current)
  if (assignments !== null) {
    if (assignments.length !== count - current) {
      throw new KafkaError(
        ErrorCode.INVALID_REPLICA_ASSIGNMENT,
        `Attempted to add ${count - current} additional partition(s), but only ${assignments.length} assignment(s) were specified.`,
      )
    }
    for (const { brokerIds } of assignments) checkReplicas(brokerIds, broker)
  }
  return topic
}
