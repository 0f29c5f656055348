// ListOffsets v1–v10: the offsets at the beginning, at the end, and at a time.
//
// Behaviour: the end is the last stable offset for read-committed consumers, otherwise the high watermark, and
// never less than what was acknowledged before on any connection. Times are looked up record by record, even in
// compressed batches and if timestamps are out of order; nothing below the log start is found. If nothing is
// found, offset and time are -1. v2 isolation. v4 leader epochs (KIP-320). v7 -3: the largest timestamp
// (KIP-734). v8 -4: the earliest local offset, which here is the earliest one (KIP-405). v9 -5: the latest tiered
// offset, of which there is none (KIP-1005).
import { ErrorCode, zeroUuid } from '../../kafka/index.ts'
import type { PartitionBounds } from '../../metadata/index.ts'
import { leaderEpoch } from '../cluster.ts'
import { type BrokerContext, defineHandler, type RequestOf, type ResponseOf } from '../handler.ts'
import { catalogFor, findPartition, type RecordLog, type TimedOffset } from '../log/index.ts'

type Request = RequestOf<'ListOffsets'>
type PartitionRequest = Request['topics'][number]['partitions'][number]
type PartitionAnswer = ResponseOf<'ListOffsets'>['topics'][number]['partitions'][number]

const LATEST = -1
const EARLIEST = -2
const MAX_TIMESTAMP = -3
const EARLIEST_LOCAL = -4
const LATEST_TIERED = -5

/** The version that introduced each special timestamp. */
const FIRST_VERSION = new Map([
  [LATEST, 1],
  [EARLIEST, 1],
  [MAX_TIMESTAMP, 7],
  [EARLIEST_LOCAL, 8],
  [LATEST_TIERED, 9],
])

const READ_COMMITTED = 1

export default defineHandler('ListOffsets', {
  async handle(request, { version, access, broker }) {
    const catalog = await catalogFor(broker.metadata, wantedPartitions(request))
    const mayDescribe = (topic: string) => access.allows('describe', 'topic', topic)
    const topics = request.topics.map(async ({ name, partitions }) => {
      const counts = new Map<number, number>()
      for (const { partitionIndex } of partitions) counts.set(partitionIndex, (counts.get(partitionIndex) ?? 0) + 1)
      const answers = partitions.map(async partition => {
        const index = partition.partitionIndex
        const found = findPartition(catalog, { name, id: zeroUuid }, index, mayDescribe)
        if (!found.ok) return failure(index, found.errorCode)
        if (counts.get(index) !== 1) return failure(index, ErrorCode.INVALID_REQUEST)
        return answer(partition, found.partition, request.isolationLevel === READ_COMMITTED, version, broker)
      })
      return { name, partitions: await Promise.all(answers) }
    })
    return { topics: await Promise.all(topics) }
  },
  failed: ({ topics }, errorCode) => ({
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => failure(partitionIndex, errorCode)),
    })),
  }),
})

async function answer(
  { partitionIndex, timestamp, currentLeaderEpoch }: PartitionRequest,
  partition: number,
  isReadCommitted: boolean,
  version: number,
  { records, log }: BrokerContext,
): Promise<PartitionAnswer> {
  if (currentLeaderEpoch > leaderEpoch) return failure(partitionIndex, ErrorCode.UNKNOWN_LEADER_EPOCH)
  if (timestamp < 0 && version < (FIRST_VERSION.get(timestamp) ?? Number.POSITIVE_INFINITY)) {
    return failure(partitionIndex, ErrorCode.UNSUPPORTED_VERSION)
  }
  const [bounds] = await records.bounds([partition])
  if (!bounds) return failure(partitionIndex, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  const end = isReadCommitted ? bounds.lastStableOffset : bounds.highWatermark
  try {
    const found = await lookUp(records, partition, timestamp, bounds, end)
    return found ? { partitionIndex, ...found, leaderEpoch } : { partitionIndex }
  } catch (error) {
    log.warn('could not look up a time', { partition, timestamp, error })
    return failure(partitionIndex, ErrorCode.KAFKA_STORAGE_ERROR)
  }
}

async function lookUp(
  records: RecordLog,
  partition: number,
  timestamp: number,
  { logStartOffset }: PartitionBounds,
  end: number,
): Promise<TimedOffset | undefined> {
  switch (timestamp) {
    case LATEST:
      return { timestamp: -1, offset: end }
    case EARLIEST:
    case EARLIEST_LOCAL:
      return { timestamp: -1, offset: logStartOffset }
    case LATEST_TIERED:
      return undefined
    case MAX_TIMESTAMP:
      return placeOf(await records.latest(partition, logStartOffset, end))
    default:
      return placeOf(await records.firstSince(partition, timestamp, logStartOffset, end))
  }
}

function placeOf(found: TimedOffset | undefined): TimedOffset | undefined {
  return found && { timestamp: found.timestamp, offset: found.offset }
}

function failure(partitionIndex: number, errorCode: number): PartitionAnswer {
  return { partitionIndex, errorCode }
}

function* wantedPartitions(request: Request) {
  for (const { name, partitions } of request.topics) {
    const topic = { name, id: zeroUuid }
    for (const { partitionIndex } of partitions) yield [topic, partitionIndex] as const
  }
}
