import { type ApiRequest, type ApiResponse, type ConsumerGroupPartition, ControlError } from '../../control/index.ts'
import { type DescribeGroupsDescribedGroup, ProtocolError, Reader } from '../../kafka/index.ts'
import type { ClusterView } from './answers.ts'
import { type KafkaClient, throwOnError } from './kafka-client.ts'
import { type Bounds, offsetBounds } from './topics.ts'

type Described = ApiResponse<'describe_consumer_group'>

const describedAtOnce = 100

export async function listConsumerGroups({ client }: ClusterView): Promise<ApiResponse<'list_consumer_groups'>> {
  const { errorCode, groups } = await client.send('ListGroups', {})
  throwOnError(errorCode)
  const ids = groups.map(({ groupId }) => groupId).toSorted()
  const found: Described[] = []
  for (let start = 0; start < ids.length; start += describedAtOnce)
    found.push(...(await describe(client, ids.slice(start, start + describedAtOnce))))
  return {
    consumer_groups: found.map(
      ({ members: _members, partitions: _partitions, protocol: _protocol, ...group }) => group,
    ),
  }
}

export async function describeConsumerGroup(
  { client }: ClusterView,
  { consumer_group_id }: ApiRequest<'describe_consumer_group'>,
): Promise<Described> {
  const [group] = await describe(client, [consumer_group_id])
  if (group !== undefined && (group.state !== 'Dead' || group.partitions.length > 0)) return group
  throw new ControlError('consumer_group_not_found', `there is no consumer group ${JSON.stringify(consumer_group_id)}`)
}

export async function deleteConsumerGroup(
  { client }: ClusterView,
  { consumer_group_id }: ApiRequest<'delete_consumer_group'>,
): Promise<ApiResponse<'delete_consumer_group'>> {
  const { results } = await client.send('DeleteGroups', { groupsNames: [consumer_group_id] })
  for (const { errorCode } of results) throwOnError(errorCode)
  return {}
}

async function describe(client: KafkaClient, ids: readonly string[]): Promise<Described[]> {
  const { groups } = await client.send('DescribeGroups', { groups: ids })
  const committed = new Map<string, Committed[]>()
  for (const id of ids) committed.set(id, await committedOffsets(client, id))
  const wanted = new Map<string, Set<number>>()
  const want = (topic: string, partition: number) => {
    if (!wanted.has(topic)) wanted.set(topic, new Set())
    wanted.get(topic)!.add(partition)
  }
  for (const offsets of committed.values()) for (const { topic, partition } of offsets) want(topic, partition)
  const members = new Map(groups.map(group => [group.groupId, membersOf(group)]))
  for (const list of members.values())
    for (const { assignment } of list)
      for (const { topic_name, partitions } of assignment)
        for (const partition of partitions) want(topic_name, partition)
  const bounds = await offsetBounds(
    client,
    [...wanted].map(([name, partitions]) => ({ name, partitions: [...partitions] })),
  )
  return groups.map(group => assemble(group, members.get(group.groupId)!, committed.get(group.groupId) ?? [], bounds))
}

/** An offset that a group committed. */
export interface Committed {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** All offsets that a group has committed. */
export async function committedOffsets(client: KafkaClient, groupId: string): Promise<Committed[]> {
  const { errorCode, topics } = await client.send('OffsetFetch', { groupId, topics: null })
  throwOnError(errorCode)
  return topics.flatMap(({ name, partitions }) =>
    partitions
      .filter(({ committedOffset, errorCode: code }) => committedOffset >= 0 && code === 0)
      .map(({ partitionIndex, committedOffset }) => ({
        topic: name,
        partition: partitionIndex,
        offset: committedOffset,
      })),
  )
}

function assemble(
  group: DescribeGroupsDescribedGroup,
  members: Described['members'],
  committed: readonly Committed[],
  bounds: ReadonlyMap<string, ReadonlyMap<number, Bounds>>,
): Described {
  const owners = new Map<string, string>()
  for (const { member_id, assignment } of members)
    for (const { topic_name, partitions } of assignment)
      for (const partition of partitions) owners.set(`${topic_name}/${partition}`, member_id)
  const offsets = new Map(committed.map(({ topic, partition, offset }) => [`${topic}/${partition}`, offset]))
  const keys = [...new Set([...owners.keys(), ...offsets.keys()])].toSorted()
  const partitions = keys.map((key): ConsumerGroupPartition => {
    const slash = key.lastIndexOf('/')
    const [topic_name, partition] = [key.slice(0, slash), Number(key.slice(slash + 1))]
    const end = bounds.get(topic_name)?.get(partition)?.end ?? 0
    const offset = offsets.get(key)
    return {
      topic_name,
      partition,
      committed_offset: offset ?? null,
      high_watermark: end,
      lag: offset === undefined ? null : Math.max(0, end - offset),
      member_id: owners.get(key) ?? null,
    }
  })
  return {
    consumer_group_id: group.groupId,
    state: group.groupState,
    protocol_type: group.protocolType,
    protocol: group.protocolData,
    member_count: members.length,
    topic_names: [...new Set(partitions.map(({ topic_name }) => topic_name))],
    lag: partitions.reduce((sum, { lag }) => sum + (lag ?? 0), 0),
    members,
    partitions: partitions.toSorted((a, b) =>
      a.topic_name === b.topic_name ? a.partition - b.partition : a.topic_name < b.topic_name ? -1 : 1,
    ),
  }
}

function membersOf({ members, protocolType }: DescribeGroupsDescribedGroup): Described['members'] {
  return members.map(({ memberId, groupInstanceId, clientId, clientHost, memberAssignment }) => ({
    member_id: memberId,
    group_instance_id: groupInstanceId,
    client_id: clientId,
    client_host: clientHost.replace(/^\//, ''),
    assignment: protocolType === 'consumer' ? readAssignment(memberAssignment) : [],
  }))
}

/** Decodes a member's assignment in the consumer protocol; empty if it cannot be decoded. */
function readAssignment(bytes: Buffer): { topic_name: string; partitions: number[] }[] {
  if (bytes.length === 0) return []
  try {
    const reader = new Reader(bytes)
    reader.int16()
    const topics: { topic_name: string; partitions: number[] }[] = []
    for (let left = reader.int32(); left > 0; left--) {
      const topic_name = reader.string()
      const partitions: number[] = []
      for (let count = reader.int32(); count > 0; count--) partitions.push(reader.int32())
      topics.push({ topic_name, partitions })
    }
    return topics
  } catch (error) {
    if (error instanceof ProtocolError) return []
    throw error
  }
}
