// Fetch v4–v18: reads record batches.
//
// Behaviour: batches are returned whole, starting with the one that contains the offset, even if the offset is
// in the middle of it. At least one batch is returned per request, not per partition, however small the limits
// are, and limits are used up in the order of the request. The response waits for minBytes, but not if a
// partition has an error. v7 sessions (KIP-227): requests and responses contain only changes. v9 the client's
// leader epoch (KIP-320). v13 topics by id (KIP-516).
import { ErrorCode, zeroUuid } from '../../kafka/index.ts'
import { leaderEpoch } from '../cluster.ts'
import { defineHandler, type RequestOf, type ResponseOf } from '../handler.ts'
import { catalogFor, type Fetched, type FetchQuery, findPartition, type SessionPartition } from '../log/index.ts'

type Request = RequestOf<'Fetch'>
type TopicAnswer = ResponseOf<'Fetch'>['responses'][number]
type PartitionAnswer = TopicAnswer['partitions'][number]

const READ_COMMITTED = 1
const FIRST_VERSION_BY_ID = 13

/** An error, or the query for the log. */
type Judged = { readonly errorCode: number } | { readonly query: FetchQuery }

export default defineHandler('Fetch', {
  async handle(request, { version, access, broker, connection, holds }) {
    const { metadata, records } = broker
    const session = records.sessions.open(sessionRequest(request, version))
    if (!session.ok) return { errorCode: ErrorCode[session.error], responses: [] }

    const catalog = await catalogFor(
      metadata,
      session.partitions.map(({ topic, index }) => [topic, index] as const),
    )
    const mayRead = (topic: string) => access.allows('read', 'topic', topic)
    const judged = session.partitions.map((partition): Judged => {
      if (version >= FIRST_VERSION_BY_ID && partition.topic.id === zeroUuid) {
        return { errorCode: ErrorCode.UNKNOWN_TOPIC_ID }
      }
      const found = findPartition(catalog, partition.topic, partition.index, mayRead)
      if (!found.ok) return { errorCode: found.errorCode }
      if (partition.leaderEpoch > leaderEpoch) return { errorCode: ErrorCode.UNKNOWN_LEADER_EPOCH }
      return { query: { partition: found.partition, offset: partition.offset, maxBytes: partition.maxBytes } }
    })
    const queries = judged.flatMap(one => ('query' in one ? [one.query] : []))
    const isReadCommitted = request.isolationLevel === READ_COMMITTED
    const limits = {
      minBytes: request.minBytes,
      maxBytes: request.maxBytes,
      maxWaitMs: queries.length < judged.length ? 0 : request.maxWaitMs,
      readCommitted: isReadCommitted,
    }
    const fetched = await records.fetch(queries, limits, connection.signal, holds)

    let next = 0
    const answers = session.partitions.flatMap((partition, at) => {
      const one = judged[at]!
      const result = 'query' in one ? fetched[next++]! : undefined
      const answer = result
        ? answerFetched(partition.index, result, isReadCommitted)
        : failure(partition.index, 'errorCode' in one ? one.errorCode : ErrorCode.NONE)
      const sessionAnswer = { errorCode: 0, logStartOffset: -1, ...answer, sizeBytes: result?.sizeBytes ?? 0 }
      return session.mustSend(partition, sessionAnswer) ? [{ partition, answer }] : []
    })
    return { sessionId: session.id, responses: groupByTopic(answers) }
  },
  failed: (_request, errorCode) => ({ errorCode, responses: [] }),
})

function sessionRequest(request: Request, version: number) {
  return {
    id: request.sessionId,
    epoch: request.sessionEpoch,
    byId: version >= FIRST_VERSION_BY_ID,
    partitions: request.topics.flatMap(({ topic: name, topicId: id, partitions }) =>
      partitions.map(({ partition, fetchOffset, partitionMaxBytes, currentLeaderEpoch }): SessionPartition => {
        const topic = { name, id }
        return {
          topic,
          index: partition,
          offset: fetchOffset,
          maxBytes: partitionMaxBytes,
          leaderEpoch: currentLeaderEpoch,
        }
      }),
    ),
    forgotten: request.forgottenTopicsData.flatMap(({ topic: name, topicId: id, partitions }) =>
      partitions.map(index => ({ topic: { name, id }, index })),
    ),
  }
}

function answerFetched(partitionIndex: number, fetched: Fetched, isReadCommitted: boolean): PartitionAnswer {
  const { error, bounds, records, aborted } = fetched
  return {
    partitionIndex,
    errorCode: ErrorCode[error],
    highWatermark: bounds.highWatermark,
    lastStableOffset: bounds.lastStableOffset,
    logStartOffset: bounds.logStartOffset,
    abortedTransactions: isReadCommitted ? aborted : null,
    records,
  }
}

function failure(partitionIndex: number, errorCode: number): PartitionAnswer {
  return { partitionIndex, errorCode, highWatermark: -1, abortedTransactions: null, records: [] }
}

function groupByTopic(answers: readonly { partition: SessionPartition; answer: PartitionAnswer }[]): TopicAnswer[] {
  const byTopic = Map.groupBy(answers, ({ partition: { topic } }) => `${topic.id}/${topic.name}`)
  return [...byTopic.values()].map(ofTopic => {
    const { name: topic, id: topicId } = ofTopic[0]!.partition.topic
    return { topic, topicId, partitions: ofTopic.map(({ answer }) => answer) }
  })
}
