// Creating topics: the rules that CreateTopics and automatic creation share.
import { ErrorCode, KafkaError } from '../kafka/index.ts'
import { type Catalog, MetadataError, type Topic } from '../metadata/index.ts'
import { checkedConfigValue, knownConfig } from './config-definition.ts'
import type { BrokerContext } from './handler.ts'
import { type Access, allowsCluster } from './security/authorizer.ts'
import { topicConfigProblem, topicConfigs } from './topic-config.ts'

/** Kafka's limit for one CreateTopics or CreatePartitions request. */
const maxPartitionsPerRequest = 10_000
const maxNameLength = 249
/** The topic of Kafka's own metadata, which describes the quorum and cannot be created. */
const quorumTopic = '__cluster_metadata'

export interface TopicRequest {
  readonly name: string
  /** -1 for the broker's default. */
  readonly numPartitions: number
  /** -1 for the default. Any number is accepted, since the object store replicates, not the broker. */
  readonly replicationFactor: number
  /** Brokers by partition, if the client places them itself; otherwise empty. */
  readonly assignments: readonly { readonly partitionIndex: number; readonly brokerIds: readonly number[] }[]
  readonly configs: readonly { readonly name: string; readonly value: string | null }[]
}

/** A validated topic. Its id is not assigned yet. */
export interface PlannedTopic {
  readonly name: string
  readonly partitions: number
  readonly configs: Readonly<Record<string, string>>
}

/** Whether a client may create a topic: it needs permission to create in the cluster, or this very topic. */
export function mayCreateTopic(access: Access, name: string): boolean {
  return allowsCluster(access, 'create') || access.allows('create', 'topic', name)
}

/** Validates a client's request for a topic. Throws a KafkaError if it is invalid. */
export function planTopic(request: TopicRequest, catalog: Catalog, broker: BrokerContext): PlannedTopic {
  checkTopicName(request.name)
  if (request.name === quorumTopic) {
    throw new KafkaError(ErrorCode.INVALID_REQUEST, `Creation of internal topic ${quorumTopic} is prohibited.`)
  }
  if (catalog.byName.has(request.name)) {
    throw new KafkaError(ErrorCode.TOPIC_ALREADY_EXISTS, `Topic '${request.name}' already exists.`)
  }
  checkCollision(request.name, catalog)
  const partitions =
    request.assignments.length > 0 ? assignedPartitions(request, broker) : countedPartitions(request, broker)
  return { name: request.name, partitions, configs: checkedConfigs(request.configs, broker) }
}

/**
 * Creates topics that `planTopic` has accepted; another broker may have created them first. A temporary
 * failure becomes an error that clients retry.
 */
export async function createPlanned(
  planned: readonly PlannedTopic[],
  broker: BrokerContext,
): Promise<(Topic | KafkaError)[]> {
  let outcomes: Awaited<ReturnType<typeof broker.metadata.createTopics>>
  try {
    outcomes = await broker.metadata.createTopics(planned)
  } catch (error) {
    if (!(error instanceof MetadataError)) throw error
    broker.log.warn('topics could not be created', { error: error.message })
    return planned.map(() => new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, 'The topic could not be stored.'))
  }
  return outcomes.map((outcome, i) => {
    if (outcome.ok) return outcome.value
    return new KafkaError(ErrorCode[outcome.code], `Topic '${planned[i]!.name}' was not created.`)
  })
}

/** Throws INVALID_TOPIC_EXCEPTION for a name that Kafka does not allow. */
export function checkTopicName(name: string): void {
  const problem = topicNameProblem(name)
  if (problem !== undefined)
    throw new KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, `Topic name is invalid: ${problem}`)
}

/** Throws if this many new partitions are too many for one request. */
export function checkPartitionCount(count: number): void {
  if (count > maxPartitionsPerRequest) {
    throw new KafkaError(ErrorCode.POLICY_VIOLATION, `More than ${maxPartitionsPerRequest} partitions in one request.`)
  }
}

/** The number of replicas shown to clients: at most the number of brokers. */
export function shownReplicationFactor(wanted: number, broker: BrokerContext): number {
  return Math.max(1, Math.min(wanted, broker.cluster.brokers().length))
}

/** Why Kafka allows no topic of this name, or undefined. */
export function topicNameProblem(name: string): string | undefined {
  if (name === '') return 'the empty string is not allowed'
  if (name === '.' || name === '..') return `'${name}' is not allowed`
  if (name.length > maxNameLength)
    return `the length of '${name}' is longer than the max allowed length ${maxNameLength}`
  if (!/^[a-zA-Z0-9._-]+$/.test(name) || name.endsWith('\n')) {
    return `'${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`
  }
  return undefined
}

/** Metric names replace dots with underscores, so Kafka allows no two topics that differ only in these. */
function checkCollision(name: string, catalog: Catalog): void {
  if (!/[._]/.test(name)) return
  const flat = name.replaceAll('.', '_')
  for (const other of catalog.byName.keys()) {
    if (other.length === name.length && other.replaceAll('.', '_') === flat) {
      throw new KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, `Topic '${name}' collides with existing topic: ${other}`)
    }
  }
}

function countedPartitions(request: TopicRequest, broker: BrokerContext): number {
  const { numPartitions, replicationFactor } = request
  if (replicationFactor === 0 || replicationFactor < -1) {
    throw new KafkaError(
      ErrorCode.INVALID_REPLICATION_FACTOR,
      'Replication factor must be larger than 0, or -1 to use the default value.',
    )
  }
  if (numPartitions === 0 || numPartitions < -1) {
    throw new KafkaError(ErrorCode.INVALID_PARTITIONS, 'Number of partitions was set to an invalid non-positive value.')
  }
  checkPartitionCount(numPartitions)
  return numPartitions === -1 ? broker.config.numPartitions : numPartitions
}

function assignedPartitions(request: TopicRequest, broker: BrokerContext): number {
  const { assignments } = request
  if (request.numPartitions !== -1 || request.replicationFactor !== -1) {
    throw new KafkaError(
      ErrorCode.INVALID_REQUEST,
      'A manual partition assignment was specified, but numPartitions or replicationFactor was not set to -1.',
    )
  }
  checkPartitionCount(assignments.length)
  const indexes = new Set(assignments.map(assignment => assignment.partitionIndex))
  if (
    indexes.size !== assignments.length ||
    assignments.some(({ partitionIndex }) => partitionIndex < 0 || partitionIndex >= assignments.length)
  ) {
    throw new KafkaError(
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
      'Partitions should be a consecutive 0-based integer sequence.',
    )
  }
  for (const { brokerIds } of assignments) checkReplicas(brokerIds, broker)
  return assignments.length
}

/** Throws INVALID_REPLICA_ASSIGNMENT unless these are existing brokers, each listed once. */
export function checkReplicas(brokerIds: readonly number[], broker: BrokerContext): void {
  const known = new Set(broker.cluster.brokers().map(({ nodeId }) => nodeId))
  if (brokerIds.length === 0) {
    throw new KafkaError(
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
      'The manual partition assignment includes an empty replica list.',
    )
  }
  if (new Set(brokerIds).size !== brokerIds.length) {
    throw new KafkaError(
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
      'The manual partition assignment names a broker more than once.',
    )
  }
  const stranger = brokerIds.find(id => !known.has(id))
  if (stranger !== undefined) {
    throw new KafkaError(
      ErrorCode.INVALID_REPLICA_ASSIGNMENT,
      `The manual partition assignment includes broker ${stranger}, but no such broker is registered.`,
    )
  }
}

function checkedConfigs(configs: TopicRequest['configs'], { config }: BrokerContext): Record<string, string> {
  const checked: Record<string, string> = {}
  for (const { name, value } of configs) {
    checked[name] = checkedConfigValue(knownConfig(topicConfigs, name, 'topic'), value, 'topic')
  }
  const problem = topicConfigProblem(checked, config)
  if (problem !== undefined) throw new KafkaError(ErrorCode.INVALID_CONFIG, problem)
  return checked
}
