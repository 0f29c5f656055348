// OffsetForLeaderEpoch v2–v4: the end of a leader epoch, for consumers that check for truncation (KIP-320).
//
// Behaviour: there is one epoch, 0, and it never ends, so its end is the high watermark. Other epochs are unknown.
import { ErrorCode, zeroUuid } from '../../kafka/index.ts'
import { leaderEpoch } from '../cluster.ts'
import { type BrokerContext, defineHandler, type RequestOf, type ResponseOf } from '../handler.ts'
import { catalogFor, type FoundPartition, findPartition } from '../log/index.ts'

type Request = RequestOf<'OffsetForLeaderEpoch'>
type PartitionRequest = Request['topics'][number]['partitions'][number]
type PartitionAnswer = ResponseOf<'OffsetForLeaderEpoch'>['topics'][number]['partitions'][number]

export default defineHandler('OffsetForLeaderEpoch', {
  async handle(request, { access, broker }) {
    const catalog = await catalogFor(broker.metadata, wantedPartitions(request))
    const mayDescribe = (topic: string) => access.allows('describe', 'topic', topic)
    const topics = request.topics.map(async ({ topic, partitions }) => {
      const answers = partitions.map(partition => {
        const found = findPartition(catalog, { name: topic, id: zeroUuid }, partition.partition, mayDescribe)
        return answer(partition, found, broker)
      })
      return { topic, partitions: await Promise.all(answers) }
    })
    return { topics: await Promise.all(topics) }
  },
  failed: ({ topics }, errorCode) => ({
    topics: topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition }) => ({ partition, errorCode })),
    })),
  }),
})

async function answer(
  { partition, currentLeaderEpoch, leaderEpoch: askedEpoch }: PartitionRequest,
  found: FoundPartition,
  { records }: BrokerContext,
): Promise<PartitionAnswer> {
  if (!found.ok) return { partition, errorCode: found.errorCode }
  if (currentLeaderEpoch > leaderEpoch) return { partition, errorCode: ErrorCode.UNKNOWN_LEADER_EPOCH }
  if (askedEpoch !== leaderEpoch) return { partition, errorCode: ErrorCode.NONE }
  const [bounds] = await records.bounds([found.partition])
  if (!bounds) return { partition, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }
  return { partition, errorCode: ErrorCode.NONE, leaderEpoch, endOffset: bounds.highWatermark }
}

function* wantedPartitions(request: Request) {
  for (const { topic, partitions } of request.topics) {
    const ref = { name: topic, id: zeroUuid }
    for (const { partition } of partitions) yield [ref, partition] as const
  }
}
