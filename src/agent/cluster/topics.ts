import {
  type ApiRequest,
  type ApiResponse,
  ControlError,
  type DeletedTopic,
  type Topic,
  type TopicConfig,
  type TopicPartition,
} from '../../control/index.ts'
import { ErrorCode } from '../../kafka/index.ts'
import type { ClusterView } from './answers.ts'
import { type KafkaClient, throwOnError } from './kafka-client.ts'

const topicResource = 2
/** The source of a setting's value, as in Kafka: set on the topic itself, or Kafka's default. */
const topicSource = 1
const defaultSource = 5
/** The operations of IncrementalAlterConfigs, numbered as in Kafka. */
const setOperation = 0
const deleteOperation = 1
const requestTimeoutMs = 15_000

export async function listTopics(
  { client, metadata }: ClusterView,
  { include_recently_deleted = false }: ApiRequest<'list_topics'>,
): Promise<ApiResponse<'list_topics'>> {
  const { topics } = await client.send('Metadata', { topics: null, allowAutoTopicCreation: false })
  const named = topics.flatMap(({ name, errorCode, isInternal, partitions }) =>
    name === null || errorCode !== 0 ? [] : [{ name, isInternal, partitions: partitions.map(p => p.partitionIndex) }],
  )
  const bounds = await offsetBounds(client, named)
  const configs = await topicConfigs(
    client,
    named.map(({ name }) => name),
  )
  const sizes = await topicSizes(metadata)
  const listed = named.map(({ name, isInternal, partitions }): Topic => {
    const own = bounds.get(name) ?? new Map<number, Bounds>()
    return {
      topic_name: name,
      partition_count: partitions.length,
      configs: configs.get(name) ?? {},
      is_internal: isInternal,
      record_count: [...own.values()].reduce((sum, { start, end }) => sum + end - start, 0),
      size_bytes: sizes?.get(name)?.reduce((sum, size) => sum + size, 0) ?? null,
    }
  })
  const sorted = listed.toSorted((a, b) => (a.topic_name < b.topic_name ? -1 : 1))
  if (!include_recently_deleted) return { topics: sorted }
  const deleted = (await metadata?.deletedTopics()) ?? []
  return {
    topics: sorted,
    recently_deleted_topics: deleted.map(
      ({ id, name, partitions, sizeBytes, deletedAt, purgeAt }): DeletedTopic => ({
        topic_name: name,
        topic_id: id,
        partition_count: partitions,
        size_bytes: sizeBytes,
        deleted_at: new Date(deletedAt).toISOString(),
        purged_at: new Date(purgeAt).toISOString(),
      }),
    ),
  }
}

export async function describeTopic(
  view: ClusterView,
  { topic_name }: ApiRequest<'describe_topic'>,
): Promise<ApiResponse<'describe_topic'>> {
  const { client } = view
  const partitions = await topicPartitions(client, topic_name)
  const own = (await offsetBounds(client, [{ name: topic_name, partitions }])).get(topic_name)!
  const sizes = (await topicSizes(view.metadata))?.get(topic_name)
  const described = partitions.map(
    (partition): TopicPartition => ({
      partition,
      log_start_offset: own.get(partition)?.start ?? 0,
      high_watermark: own.get(partition)?.end ?? 0,
      size_bytes: sizes?.[partition] ?? null,
    }),
  )
  return {
    topic_name,
    partition_count: partitions.length,
    configs: (await topicConfigs(client, [topic_name])).get(topic_name) ?? {},
    is_internal: false,
    record_count: described.reduce((sum, { log_start_offset: start, high_watermark: end }) => sum + end - start, 0),
    size_bytes: sizes?.reduce((sum, size) => sum + size, 0) ?? null,
    partitions: described,
  }
}

export async function createTopic(
  { client }: ClusterView,
  { topic_name, partition_count, configs }: ApiRequest<'create_topic'>,
): Promise<ApiResponse<'create_topic'>> {
  const topic = {
    name: topic_name,
    numPartitions: partition_count ?? 1,
    replicationFactor: -1,
    assignments: [],
    configs: Object.entries(configs ?? {}).map(([name, value]) => ({ name, value })),
  }
  const { topics } = await client.send('CreateTopics', { topics: [topic], timeoutMs: requestTimeoutMs })
  for (const { errorCode, errorMessage } of topics) throwOnError(errorCode, errorMessage)
  return {}
}

/** Adds partitions first, so that no setting is changed if that is refused. */
export async function updateTopic(
  { client }: ClusterView,
  { topic_name, partition_count, configs }: ApiRequest<'update_topic'>,
): Promise<ApiResponse<'update_topic'>> {
  const existing = await topicPartitions(client, topic_name)
  const changes = Object.entries(configs ?? {}).map(([name, value]) => ({
    name,
    configOperation: value === null ? deleteOperation : setOperation,
    value,
  }))
  const alter = async (validateOnly: boolean) => {
    if (changes.length === 0) return
    const resource = { resourceType: topicResource, resourceName: topic_name, configs: changes }
    const { responses } = await client.send('IncrementalAlterConfigs', { resources: [resource], validateOnly })
    for (const { errorCode, errorMessage } of responses) throwOnError(errorCode, errorMessage)
  }
  await alter(true)
  if (partition_count !== undefined && partition_count !== existing.length) {
    const topic = { name: topic_name, count: partition_count, assignments: null }
    const request = { topics: [topic], timeoutMs: requestTimeoutMs, validateOnly: false }
    const { results } = await client.send('CreatePartitions', request)
    for (const { errorCode, errorMessage } of results) throwOnError(errorCode, errorMessage)
  }
  await alter(false)
  return {}
}

/** Every setting of a topic, with the source of its value and its documentation. */
export async function describeTopicConfigs(
  { client }: ClusterView,
  { topic_name }: ApiRequest<'describe_topic_configs'>,
): Promise<ApiResponse<'describe_topic_configs'>> {
  const resource = { resourceType: topicResource, resourceName: topic_name, configurationKeys: null }
  const { results } = await client.send('DescribeConfigs', { resources: [resource], includeDocumentation: true })
  for (const { errorCode, errorMessage } of results) throwOnError(errorCode, errorMessage)
  const configs = results.flatMap(result => result.configs)
  return {
    configs: configs
      .map(
        ({ name, value, configSource, readOnly, documentation }): TopicConfig => ({
          name,
          value,
          source: configSource === topicSource ? 'topic' : configSource === defaultSource ? 'default' : 'cluster',
          is_read_only: readOnly,
          documentation,
        }),
      )
      .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  }
}

export async function deleteTopic(
  { client, metadata }: ClusterView,
  { topic_name, soft_delete = true }: ApiRequest<'delete_topic'>,
): Promise<ApiResponse<'delete_topic'>> {
  const request = { topics: [], topicNames: [topic_name], timeoutMs: requestTimeoutMs }
  const { responses } = await client.send('DeleteTopics', request)
  for (const { errorCode, errorMessage } of responses) throwOnError(errorCode, errorMessage)
  if (soft_delete || metadata === undefined) return {}
  const deleted = (await metadata.deletedTopics()).findLast(({ name }) => name === topic_name)
  if (deleted !== undefined) await metadata.purgeDeletedTopic(deleted.id)
  return {}
}

/** Restores the most recently deleted topic of this name, or the one with this id. */
export async function undeleteTopic(
  { metadata }: ClusterView,
  { topic_name, topic_id }: ApiRequest<'undelete_topic'>,
): Promise<ApiResponse<'undelete_topic'>> {
  if (metadata === undefined) throw new ControlError('invalid_request', 'this cluster cannot restore topics')
  const deleted = await metadata.deletedTopics()
  const topic = deleted.findLast(({ id, name }) => name === topic_name && (topic_id === undefined || id === topic_id))
  if (topic === undefined) throw new ControlError('topic_not_found', 'there is no deleted topic of this name')
  const [outcome] = await metadata.undeleteTopics([topic.id])
  if (!outcome!.ok) {
    throwOnError(ErrorCode[outcome!.code === 'TOPIC_ALREADY_EXISTS' ? outcome!.code : 'UNKNOWN_TOPIC_OR_PARTITION'])
  }
  return {}
}

/** The partition numbers of a topic; throws if there is no such topic. */
export async function topicPartitions(client: KafkaClient, name: string): Promise<number[]> {
  const { topics } = await client.send('Metadata', { topics: [{ name }], allowAutoTopicCreation: false })
  for (const { errorCode } of topics) throwOnError(errorCode)
  return (topics[0]?.partitions ?? []).map(({ partitionIndex }) => partitionIndex).toSorted((a, b) => a - b)
}

/** The offsets of a partition's first record and of the next one to be written. */
export interface Bounds {
  readonly start: number
  readonly end: number
}

/** Topic → partition → bounds; partitions deleted meanwhile are left out. */
export async function offsetBounds(
  client: KafkaClient,
  topics: readonly { readonly name: string; readonly partitions: readonly number[] }[],
): Promise<Map<string, Map<number, Bounds>>> {
  const ask = async (timestamp: -1 | -2) => {
    const wanted = topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(partitionIndex => ({ partitionIndex, timestamp })),
    }))
    const answer = await client.send('ListOffsets', { topics: wanted })
    return new Map(
      answer.topics.map(({ name, partitions }) => [
        name,
        new Map(
          partitions.filter(p => p.errorCode === 0).map(({ partitionIndex, offset }) => [partitionIndex, offset]),
        ),
      ]),
    )
  }
  const [starts, ends] = await Promise.all([ask(-2), ask(-1)])
  return new Map(
    [...ends].map(([name, partitions]) => [
      name,
      new Map(
        [...partitions].map(([partition, end]) => [partition, { start: starts.get(name)?.get(partition) ?? 0, end }]),
      ),
    ]),
  )
}

/** Settings made on the topics themselves, by name. */
async function topicConfigs(
  client: KafkaClient,
  names: readonly string[],
): Promise<Map<string, Record<string, string>>> {
  if (names.length === 0) return new Map()
  const resources = names.map(resourceName => ({ resourceType: topicResource, resourceName, configurationKeys: null }))
  const { results } = await client.send('DescribeConfigs', { resources })
  return new Map(
    results.map(({ resourceName, configs }) => {
      const own = configs.filter(({ configSource, isDefault }) => configSource === topicSource && !isDefault)
      return [resourceName, Object.fromEntries(own.map(({ name, value }) => [name, value ?? '']))]
    }),
  )
}

/** Topic → bytes of each partition, if the cluster is ours. */
async function topicSizes(metadata: ClusterView['metadata']): Promise<Map<string, number[]> | undefined> {
  if (metadata === undefined) return undefined
  const topics = [...metadata.catalog().byName.values()]
  const bounds = await metadata.bounds(topics.flatMap(({ partitions }) => partitions))
  let next = 0
  return new Map(topics.map(({ name, partitions }) => [name, partitions.map(() => bounds[next++]?.sizeBytes ?? 0)]))
}
