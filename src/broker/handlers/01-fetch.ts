// Fetch v4–v18: reads record batches.
//
// Behaviour: batches come whole; the one that holds the offset comes first, even when the offset is inside it. At least
// one batch is answered for the request, not for each partition, however small the limits are, and limits are used up
// in the order of the request. The answer waits for minBytes, but not when a partition has an error.
// v7 sessions (KIP-227) are declined with id 0: clients go on with full requests. v9 the client's leader epoch (KIP-320).
// v13 topics by id (KIP-516).
import { ErrorCode } from '../../kafka/index.ts'
import { leaderEpoch } from '../cluster.ts'
import { defineHandler, type RequestOf, type ResponseOf } from '../handler.ts'
import { catalogFor, type Fetched, type FetchQuery, findPartition } from '../log/index.ts'

type Request = RequestOf<'Fetch'>
type PartitionRequest = Request['topics'][number]['partitions'][number]
type TopicAnswer = ResponseOf<'Fetch'>['responses'][number]
type PartitionAnswer = TopicAnswer['partitions'][number]

const READ_COMMITTED = 1

/** An answer that is known, or what to ask the log for. */
type Judged = { readonly answer: PartitionAnswer } | { readonly index: number; readonly query: FetchQuery }

export default defineHandler('Fetch', {
  async handle(request, { broker, connection }) {
    // A session that we never gave; with epoch -1 the client only wants to be rid of it.
    if (request.sessionId !== 0 && request.sessionEpoch > 0) {
      return { errorCode: ErrorCode.FETCH_SESSION_ID_NOT_FOUND, responses: [] }
    }
    const catalog = await catalogFor(broker.metadata, wantedPartitions(request))
    const judged = request.topics.map(({ topic, topicId, partitions }) =>
      partitions.map((partition): Judged => {
        const found = findPartition(catalog, { name: topic, id: topicId }, partition.partition)
        if (!found.ok) return { answer: failure(partition.partition, found.errorCode) }
        if (partition.currentLeaderEpoch > leaderEpoch) {
          return { answer: failure(partition.partition, ErrorCode.UNKNOWN_LEADER_EPOCH) }
        }
        return { index: partition.partition, query: queryOf(partition, found.partition) }
      }),
    )
    const all = judged.flat()
    const queries = all.flatMap(one => ('query' in one ? [one.query] : []))
    const isReadCommitted = request.isolationLevel === READ_COMMITTED
    const limits = {
      minBytes: request.minBytes,
      maxBytes: request.maxBytes,
      maxWaitMs: queries.length < all.length ? 0 : request.maxWaitMs,
      readCommitted: isReadCommitted,
    }
    const fetched = await broker.records.fetch(queries, limits, connection.signal)
    return { responses: answerTopics(request, judged, fetched, isReadCommitted) }
  },
})

function queryOf({ fetchOffset, partitionMaxBytes }: PartitionRequest, partition: number): FetchQuery {
  return { partition, offset: fetchOffset, maxBytes: partitionMaxBytes }
}

function answerTopics(
  request: Request,
  judged: readonly (readonly Judged[])[],
  fetched: readonly Fetched[],
  isReadCommitted: boolean,
): TopicAnswer[] {
  let next = 0
  return request.topics.map(({ topic, topicId }, at) => ({
    topic,
    topicId,
    partitions: judged[at]!.map(one => {
      return 'answer' in one ? one.answer : answerFetched(one.index, fetched[next++]!, isReadCommitted)
    }),
  }))
}

function answerFetched(partitionIndex: number, fetched: Fetched, isReadCommitted: boolean): PartitionAnswer {
  const { error, bounds, records } = fetched
  return {
    partitionIndex,
    errorCode: ErrorCode[error],
    highWatermark: bounds.highWatermark,
    lastStableOffset: bounds.lastStableOffset,
    logStartOffset: bounds.logStartOffset,
    abortedTransactions: isReadCommitted ? [] : null,
    records,
  }
}

function failure(partitionIndex: number, errorCode: number): PartitionAnswer {
  return { partitionIndex, errorCode, highWatermark: -1, abortedTransactions: null, records: [] }
}

function* wantedPartitions(request: Request) {
  for (const { topic, topicId, partitions } of request.topics) {
    const ref = { name: topic, id: topicId }
    for (const { partition } of partitions) yield [ref, partition] as const
  }
}
