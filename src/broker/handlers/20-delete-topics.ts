// DeleteTopics v0–v6: deletes topics with everything that belongs to them, each with its own result.
//
// v6 also by id. A topic that the request contains twice, or both by name and by id, is INVALID_REQUEST and stays; it
// is answered once. A topic with deletion protection is POLICY_VIOLATION and stays. v5 the controller mutation quota
// counts partitions (KIP-599); older clients do not know its error and are only throttled.
//
// While soft deletion is on (warpstream.soft.delete.topic.enable), topics can be restored for a while, with their
// records and the offsets of groups. Open transactions in them are aborted.
import { ErrorCode, errorMessage, KafkaError, zeroUuid } from '../../kafka/index.ts'
import type { Catalog, Topic } from '../../metadata/index.ts'
import { topicConfig } from '../topic-config.ts'
import { type BrokerContext, defineHandler, type RequestOf, type ResponseOf } from '../handler.ts'
import type { Access } from '../security/authorizer.ts'

type Result = ResponseOf<'DeleteTopics'>['responses'][number]
type Wanted = RequestOf<'DeleteTopics'>['topics'][number]

const FIRST_THROTTLED_VERSION = 5

export default defineHandler('DeleteTopics', {
  async handle(request, { version, access, limits, broker }) {
    const byName = version <= 5
    const wanted = byName ? request.topicNames.map(name => ({ name, topicId: zeroUuid })) : request.topics
    const catalog = await broker.metadata.refresh()
    const found = wanted.map(item => find(item, catalog, access))
    const counts = new Map<string, number>()
    for (const topic of found) if (typeof topic !== 'number') counts.set(topic.id, (counts.get(topic.id) ?? 0) + 1)
    const isProtected = (topic: Topic) => topicConfig(topic, broker.config).isProtected
    const throttled = new Map<string, KafkaError>()
    const isAllowed = (topic: Topic): boolean => {
      try {
        limits.mutate(topic.partitions.length)
        return true
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        if (version >= FIRST_THROTTLED_VERSION) throttled.set(topic.id, error)
        return version < FIRST_THROTTLED_VERSION
      }
    }
    const doomed = found
      .filter(topic => typeof topic !== 'number')
      .filter(topic => counts.get(topic.id) === 1 && !isProtected(topic) && isAllowed(topic))
    const { softDeleteMs } = broker.config
    if (softDeleteMs !== null) await abortOpen(doomed, broker)
    const outcomes = await broker.metadata.deleteTopics(
      doomed.map(topic => topic.id),
      softDeleteMs,
    )
    const gone = new Set(doomed.filter((_, i) => outcomes[i]?.ok).map(topic => topic.id))
    const answered = new Set<string>()
    const responses = wanted.flatMap((item, i): Result | [] => {
      const topic = found[i]!
      if (topic === ErrorCode.INVALID_REQUEST) return failed(item, topic, namedBadly(item))
      if (typeof topic === 'number') return failed(item, topic)
      if (answered.has(topic.id)) return []
      answered.add(topic.id)
      const named = { name: topic.name, topicId: topic.id }
      if (counts.get(topic.id) !== 1)
        return failed(named, ErrorCode.INVALID_REQUEST, 'The topic is named more than once.')
      if (isProtected(topic)) return failed(named, ErrorCode.POLICY_VIOLATION, protectedMessage)
      const refusal = throttled.get(topic.id)
      if (refusal !== undefined) return failed(named, refusal.code, refusal.message)
      if (gone.has(topic.id)) return named
      return failed(item, item.name === null ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    })
    return { responses }
  },
  failed: ({ topics, topicNames }, errorCode) => ({
    responses: [...topics, ...topicNames.map(name => ({ name, topicId: zeroUuid }))].map(one => failed(one, errorCode)),
  }),
})

/** Aborts open transactions, so that a topic that is restored has none that nobody would end. */
async function abortOpen(topics: readonly Topic[], { metadata, transactions }: BrokerContext): Promise<void> {
  const partitions = topics.flatMap(topic => topic.partitions)
  const active = await metadata.activeProducers(partitions)
  for (const [index, producers] of active.entries()) {
    for (const { producerId, epoch, transactionStart } of producers) {
      if (transactionStart === null) continue
      const producer = { producerId, epoch }
      const end = { id: null, producer, commit: false, markerEpoch: epoch, next: producer }
      await transactions.closePartitions(end, [partitions[index]!])
    }
  }
}

function find({ name, topicId }: Wanted, catalog: Catalog, access: Access): Topic | ErrorCode {
  if ((name === null) === (topicId === zeroUuid)) return ErrorCode.INVALID_REQUEST
  const topic = name === null ? catalog.byId.get(topicId) : catalog.byName.get(name)
  const known = topic?.name ?? name
  if (known !== null && !access.allows('delete', 'topic', known)) return ErrorCode.TOPIC_AUTHORIZATION_FAILED
  return topic ?? (name === null ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
}

function namedBadly({ name }: Wanted): string {
  return name === null
    ? 'Neither the name nor the id of a topic is given.'
    : 'Both the name and the id of a topic are given.'
}

const protectedMessage =
  'The topic has deletion protection enabled: set warpstream.deletion.protection.enabled to false first.'

function failed({ name, topicId }: Wanted, errorCode: ErrorCode, message = errorMessage(errorCode)): Result {
  return { name, topicId, errorCode, errorMessage: message }
}
