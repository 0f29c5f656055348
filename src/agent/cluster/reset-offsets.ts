import { type ApiRequest, type ApiResponse, ControlError } from '../../control/index.ts'
import type { ClusterView } from './answers.ts'
import { committedOffsets } from './consumer-groups.ts'
import { type KafkaClient, throwOnError } from './kafka-client.ts'
import { type Bounds, offsetBounds, topicPartitions } from './topics.ts'

type Request = ApiRequest<'reset_consumer_group_offsets'>

interface WantedTopic {
  readonly name: string
  readonly partitions: readonly number[]
}

/** Moves a group without members to other offsets. The broker refuses while the group has members. */
export async function resetConsumerGroupOffsets(
  { client }: ClusterView,
  request: Request,
): Promise<ApiResponse<'reset_consumer_group_offsets'>> {
  checkTarget(request)
  const wanted = await wantedPartitions(client, request)
  const bounds = await offsetBounds(client, wanted)
  const offsets = await newOffsets(client, request, wanted, bounds)
  const topics = wanted.map(({ name }) => ({
    name,
    partitions: offsets
      .filter(({ topic_name }) => topic_name === name)
      .map(({ partition, offset }) => ({
        partitionIndex: partition,
        committedOffset: offset,
        committedMetadata: null,
      })),
  }))
  const answer = await client.send('OffsetCommit', { groupId: request.consumer_group_id, memberId: '', topics })
  for (const { errorCode } of answer.topics.flatMap(topic => topic.partitions)) throwOnError(errorCode)
  return { offsets }
}

function checkTarget({ to, timestamp, offset }: Request): void {
  if (to === 'timestamp' && timestamp === undefined) throw new ControlError('invalid_request', 'timestamp is missing')
  if (to === 'timestamp' && Number.isNaN(Date.parse(timestamp ?? '')))
    throw new ControlError('invalid_request', `timestamp is not a time: ${JSON.stringify(timestamp)}`)
  if (to === 'offset' && offset === undefined) throw new ControlError('invalid_request', 'offset is missing')
}

async function wantedPartitions(
  client: KafkaClient,
  { consumer_group_id, topic_name, partition }: Request,
): Promise<WantedTopic[]> {
  if (topic_name !== undefined) {
    const all = await topicPartitions(client, topic_name)
    const partitions = all.filter(one => partition === undefined || one === partition)
    if (partitions.length > 0) return [{ name: topic_name, partitions }]
    throw new ControlError('invalid_request', `topic ${JSON.stringify(topic_name)} has no partition ${partition}`)
  }
  const committed = await committedOffsets(client, consumer_group_id)
  if (committed.length === 0)
    throw new ControlError('consumer_group_not_found', `the group ${JSON.stringify(consumer_group_id)} has no offsets`)
  const topics = Map.groupBy(committed, ({ topic }) => topic)
  return [...topics].map(([name, own]) => ({ name, partitions: own.map(one => one.partition) }))
}

async function newOffsets(
  client: KafkaClient,
  { to, offset = 0, timestamp = '' }: Request,
  wanted: readonly WantedTopic[],
  bounds: ReadonlyMap<string, ReadonlyMap<number, Bounds>>,
): Promise<{ topic_name: string; partition: number; offset: number }[]> {
  const found = to === 'timestamp' ? await offsetsAt(client, wanted, Date.parse(timestamp)) : undefined
  return wanted.flatMap(({ name, partitions }) =>
    partitions.flatMap(partition => {
      const own = bounds.get(name)?.get(partition)
      if (own === undefined) return []
      const target = {
        earliest: own.start,
        latest: own.end,
        offset: Math.min(Math.max(offset, own.start), own.end),
        // Nothing was written at or after that time.
        timestamp: found?.get(name)?.get(partition) ?? own.end,
      }[to]
      return [{ topic_name: name, partition, offset: target }]
    }),
  )
}

/** Topic → partition → the offset of the first record at or after the time; partitions without one are left out. */
async function offsetsAt(
  client: KafkaClient,
  wanted: readonly WantedTopic[],
  timestamp: number,
): Promise<Map<string, Map<number, number>>> {
  const topics = wanted.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(partitionIndex => ({ partitionIndex, timestamp })),
  }))
  const answer = await client.send('ListOffsets', { topics })
  return new Map(
    answer.topics.map(({ name, partitions }) => [
      name,
      new Map(
        partitions
          .filter(({ errorCode, offset }) => errorCode === 0 && offset >= 0)
          .map(({ partitionIndex, offset }) => [partitionIndex, offset]),
      ),
    ]),
  )
}
