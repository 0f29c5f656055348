// DeleteRecords v0–v2: moves the start of partitions forward, each with its own result.
//
// Behaviour: -1 stands for the high watermark. An offset before the start changes nothing and returns the start; one
// beyond the high watermark is OFFSET_OUT_OF_RANGE. Producers' sequences are kept. Records of __consumer_offsets,
// which the broker writes itself, cannot be deleted: INVALID_TOPIC_EXCEPTION.
import { ErrorCode } from '../../kafka/index.ts'
import type { Topic } from '../../metadata/index.ts'
import type { BrokerConfig } from '../config.ts'
import { offsetsTopicName } from '../groups/index.ts'
import { defineHandler, type ResponseOf } from '../handler.ts'
import { topicConfig } from '../topic-config.ts'

type TopicResult = ResponseOf<'DeleteRecords'>['topics'][number]
type PartitionResult = TopicResult['partitions'][number]

export default defineHandler('DeleteRecords', {
  async handle({ topics }, { access, broker }) {
    const { byName } = await broker.metadata.refresh()
    const wanted = topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, offset }) => ({
        name,
        partitionIndex,
        offset,
        partition: byName.get(name)?.partitions[partitionIndex],
        isCompacted: isCompactedOnly(byName.get(name), broker.config),
        mayDelete: access.allows('delete', 'topic', name),
      })),
    )
    const found = wanted.flatMap(({ partition, mayDelete }) =>
      partition === undefined || !mayDelete ? [] : [partition],
    )
    const bounds = new Map((await broker.metadata.bounds(found)).map((bound, i) => [found[i]!, bound]))
    const changes: { partition: number; offset: number }[] = []
    const results = wanted.map(({ name, partitionIndex, offset, partition, mayDelete, isCompacted }) => {
      const bound = partition === undefined ? null : (bounds.get(partition) ?? null)
      const result = { partitionIndex, lowWatermark: -1, errorCode: ErrorCode.NONE, partition }
      if (!mayDelete) return { ...result, errorCode: ErrorCode.TOPIC_AUTHORIZATION_FAILED }
      if (name === offsetsTopicName) return { ...result, errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION }
      if (bound === null) return { ...result, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }
      if (isCompacted) return { ...result, errorCode: ErrorCode.POLICY_VIOLATION }
      const start = offset === -1 ? bound.highWatermark : offset
      if (start < 0 || start > bound.highWatermark) return { ...result, errorCode: ErrorCode.OFFSET_OUT_OF_RANGE }
      changes.push({ partition: partition!, offset: start })
      return { ...result, lowWatermark: Math.max(start, bound.logStartOffset) }
    })
    const moved = new Map(
      (await broker.records.deleteBefore(changes)).map((bound, i) => [changes[i]!.partition, bound]),
    )
    let next = 0
    return {
      topics: topics.map(({ name, partitions }): TopicResult => {
        const own = results.slice(next, (next += partitions.length))
        return { name, partitions: own.map(result => answer(result, moved.get(result.partition ?? -1))) }
      }),
    }
  },
  failed: ({ topics }, errorCode) => ({
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
    })),
  }),
})

/** Whether the topic's records are removed only by compaction. */
function isCompactedOnly(topic: Topic | undefined, config: BrokerConfig): boolean {
  if (topic === undefined) return false
  const { compact, delete: deletes } = topicConfig(topic, config)
  return compact && !deletes
}

function answer(
  { partitionIndex, lowWatermark, errorCode }: PartitionResult & { lowWatermark: number },
  bound: { readonly logStartOffset: number } | null | undefined,
): PartitionResult {
  if (bound === null) return { partitionIndex, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }
  return { partitionIndex, lowWatermark: bound?.logStartOffset ?? lowWatermark, errorCode }
}
