// What DescribeConfigs returns for a broker in addition to the defaults of topics.
import { hostPort } from '../base/index.ts'
import type { BrokerConfig } from './config.ts'
import { always, atLeast, type ConfigType, longMax } from './config-definition.ts'

const defaultSoftDeleteMs = 86_400_000

/** The one log directory. */
export const logDir = '/bucket'

export interface BrokerSetting {
  readonly name: string
  readonly type: ConfigType
  /** Null where nothing is set and there is no default. */
  readonly valueOf: (config: BrokerConfig) => string | null
  readonly documentation: string
  /** Whether it can be changed at runtime, to values that pass the check. */
  readonly isDynamic?: boolean
  readonly check?: (value: string) => string | undefined
}

/** Broker settings that are not the default for a topic config. */
export const brokerSettings: readonly BrokerSetting[] = [
  ...tuningOfNoEffect(),
  {
    name: 'advertised.listeners',
    type: 'string',
    valueOf: config => `PLAINTEXT://${hostPort(config.advertisedHost, config.advertisedPort)}`,
    documentation: 'The addresses that clients connect to.',
  },
  {
    name: 'auto.create.topics.enable',
    type: 'boolean',
    valueOf: config => String(config.autoCreateTopicsEnable),
    documentation: 'Whether a metadata request for an unknown topic creates it.',
  },
  { name: 'broker.id', type: 'int', valueOf: config => String(config.nodeId), documentation: "The broker's id." },
  { name: 'broker.rack', type: 'string', valueOf: config => config.rack, documentation: "The broker's zone." },
  {
    name: 'connections.max.idle.ms',
    type: 'long',
    valueOf: () => '600000',
    documentation: 'A connection that is idle for this long is closed.',
  },
  {
    name: 'default.replication.factor',
    type: 'int',
    valueOf: () => '1',
    documentation: 'The replication factor that topics report; the object store replicates the data.',
  },
  {
    name: 'delete.topic.enable',
    type: 'boolean',
    valueOf: () => 'true',
    documentation: 'Whether topics can be deleted.',
  },
  {
    name: 'follower.replication.throttled.rate',
    type: 'long',
    valueOf: always(longMax),
    isDynamic: true,
    check: atLeast(0),
    documentation: 'Accepted for tools that move replicas. There are no followers here, so nothing is throttled.',
  },
  {
    name: 'group.consumer.assignors',
    type: 'list',
    valueOf: () => 'uniform,range',
    documentation: "How partitions can be assigned in groups of the 'consumer' protocol; the first is the default.",
  },
  {
    name: 'group.consumer.max.heartbeat.interval.ms',
    type: 'int',
    valueOf: config => String(config.groupConsumerMaxHeartbeatIntervalMs),
    documentation: "The longest heartbeat interval that a group of the 'consumer' protocol may set.",
  },
  {
    name: 'group.consumer.max.session.timeout.ms',
    type: 'int',
    valueOf: config => String(config.groupConsumerMaxSessionTimeoutMs),
    documentation: "The longest session timeout that a group of the 'consumer' protocol may set.",
  },
  {
    name: 'group.consumer.max.size',
    type: 'int',
    valueOf: config => String(config.groupConsumerMaxSize),
    documentation: "How many members a group of the 'consumer' protocol may have.",
  },
  {
    name: 'group.consumer.migration.policy',
    type: 'string',
    valueOf: () => 'bidirectional',
    documentation:
      'Groups change between the classic and the consumer protocol in both directions while they are in use.',
  },
  {
    name: 'group.consumer.min.heartbeat.interval.ms',
    type: 'int',
    valueOf: config => String(config.groupConsumerMinHeartbeatIntervalMs),
    documentation: "The shortest heartbeat interval that a group of the 'consumer' protocol may set.",
  },
  {
    name: 'group.consumer.min.session.timeout.ms',
    type: 'int',
    valueOf: config => String(config.groupConsumerMinSessionTimeoutMs),
    documentation: "The shortest session timeout that a group of the 'consumer' protocol may set.",
  },
  {
    name: 'group.coordinator.rebalance.protocols',
    type: 'list',
    valueOf: () => 'classic,consumer',
    documentation: 'The group protocols that are served.',
  },
  {
    name: 'group.initial.rebalance.delay.ms',
    type: 'int',
    valueOf: config => String(config.groupInitialRebalanceDelayMs),
    documentation: 'How long a new group waits for more members before it makes its first assignment.',
  },
  {
    name: 'group.max.session.timeout.ms',
    type: 'int',
    valueOf: config => String(config.groupMaxSessionTimeoutMs),
    documentation: 'The longest session timeout of a group member.',
  },
  {
    name: 'group.max.size',
    type: 'int',
    valueOf: config => String(config.groupMaxSize),
    documentation: 'How many members a group may have.',
  },
  {
    name: 'group.min.session.timeout.ms',
    type: 'int',
    valueOf: config => String(config.groupMinSessionTimeoutMs),
    documentation: 'The shortest session timeout of a group member.',
  },
  {
    name: 'inter.broker.protocol.version',
    type: 'string',
    valueOf: () => '4.1-IV1',
    documentation: 'The version of Kafka whose behaviour clients can expect.',
  },
  {
    name: 'leader.replication.throttled.rate',
    type: 'long',
    valueOf: always(longMax),
    isDynamic: true,
    check: atLeast(0),
    documentation: 'Accepted for tools that move replicas. There are no followers here, so nothing is throttled.',
  },
  {
    name: 'listener.security.protocol.map',
    type: 'string',
    valueOf: () => 'PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL',
    documentation: 'The security protocol of each listener.',
  },
  {
    name: 'listeners',
    type: 'string',
    valueOf: config => `PLAINTEXT://${hostPort(config.advertisedHost, config.advertisedPort)}`,
    documentation: 'The addresses that the broker listens on.',
  },
  {
    name: 'log.dirs',
    type: 'string',
    valueOf: () => logDir,
    documentation: 'Where records are kept: the bucket.',
  },
  {
    name: 'log.retention.check.interval.ms',
    type: 'long',
    valueOf: () => '300000',
    documentation: 'How often retention is applied.',
  },
  {
    name: 'log.retention.hours',
    type: 'int',
    valueOf: config => String(Math.trunc(config.logRetentionMs / 3_600_000)),
    documentation: 'How long records are kept, in hours; log.retention.ms takes precedence.',
  },
  {
    name: 'node.id',
    type: 'int',
    valueOf: config => String(config.nodeId),
    documentation: "The node's id, the same as broker.id.",
  },
  {
    name: 'num.partitions',
    type: 'int',
    valueOf: config => String(config.numPartitions),
    documentation: 'The number of partitions of topics that are created without one.',
  },
  {
    name: 'offset.metadata.max.bytes',
    type: 'int',
    valueOf: config => String(config.offsetMetadataMaxBytes),
    documentation: 'The largest metadata text of a committed offset.',
  },
  {
    name: 'offsets.retention.check.interval.ms',
    type: 'long',
    valueOf: config => String(config.offsetsRetentionCheckIntervalMs),
    documentation: 'How often groups past their retention are deleted.',
  },
  {
    name: 'offsets.retention.minutes',
    type: 'int',
    valueOf: config => String(config.offsetsRetentionMinutes),
    documentation: 'How long a group that has no members and commits nothing is kept, with its offsets.',
  },
  {
    name: 'offsets.topic.num.partitions',
    type: 'int',
    valueOf: () => '50',
    documentation: 'The number of shards in which groups are divided among coordinators.',
  },
  {
    name: 'offsets.topic.replication.factor',
    type: 'short',
    valueOf: () => '1',
    documentation: 'Committed offsets are kept in the metadata, not in a replicated topic.',
  },
  {
    name: 'process.roles',
    type: 'list',
    valueOf: () => 'broker',
    documentation: "The process's roles.",
  },
  {
    name: 'replica.alter.log.dirs.io.max.bytes.per.second',
    type: 'long',
    valueOf: always(longMax),
    isDynamic: true,
    check: atLeast(0),
    documentation: 'Accepted for tools that move replicas. There is one directory here, so nothing is throttled.',
  },
  {
    name: 'socket.request.max.bytes',
    type: 'int',
    valueOf: config => String(config.socketRequestMaxBytes),
    documentation: 'The largest request.',
  },
  {
    name: 'transaction.abort.timed.out.transaction.cleanup.interval.ms',
    type: 'int',
    valueOf: config => String(config.transactionAbortIntervalMs),
    documentation: 'How often transactions past their timeout are aborted.',
  },
  {
    name: 'transaction.max.timeout.ms',
    type: 'int',
    valueOf: config => String(config.transactionMaxTimeoutMs),
    documentation: "The longest timeout of a producer's transactions.",
  },
  {
    name: 'transaction.remove.expired.transaction.cleanup.interval.ms',
    type: 'int',
    valueOf: config => String(config.transactionalIdCheckIntervalMs),
    documentation: 'How often unused transactional ids are deleted.',
  },
  {
    name: 'transaction.state.log.replication.factor',
    type: 'short',
    valueOf: () => '1',
    documentation: 'The state of transactions is kept in the metadata, not in a replicated topic.',
  },
  {
    name: 'transactional.id.expiration.ms',
    type: 'int',
    valueOf: config => String(config.transactionalIdExpirationMs),
    documentation: 'How long an unused transactional id is kept.',
  },
  {
    name: 'warpstream.soft.delete.topic.enable',
    type: 'boolean',
    valueOf: config => String(config.softDeleteMs !== null),
    isDynamic: true,
    check: value => (['true', 'false'].includes(value) ? undefined : 'it is true or false'),
    documentation: 'Whether a deleted topic can be restored for a while.',
  },
  {
    name: 'warpstream.soft.delete.topic.ttl.ms',
    type: 'long',
    valueOf: config => String(config.dynamic['warpstream.soft.delete.topic.ttl.ms']?.value ?? defaultSoftDeleteMs),
    isDynamic: true,
    check: atLeast(0),
    documentation: 'How long a deleted topic can be restored.',
  },
]

/**
 * Settings by which Kafka's threads and disks are tuned while it runs. Tools and operators set them on every cluster that
 * they look after, so they are accepted, kept and shown; what they tune does not exist here.
 */
function tuningOfNoEffect(): BrokerSetting[] {
  const settings: readonly (readonly [name: string, type: ConfigType, value: string, minimum: number])[] = [
    ['background.threads', 'int', '10', 1],
    ['log.cleaner.backoff.ms', 'long', '15000', 0],
    ['log.cleaner.dedupe.buffer.size', 'long', '134217728', 0],
    ['log.cleaner.io.buffer.load.factor', 'double', '0.9', 0],
    ['log.cleaner.io.buffer.size', 'int', '524288', 0],
    ['log.cleaner.io.max.bytes.per.second', 'double', '1.7976931348623157E308', 0],
    ['log.cleaner.threads', 'int', '1', 0],
    ['num.io.threads', 'int', '8', 1],
    ['num.network.threads', 'int', '3', 1],
    ['num.recovery.threads.per.data.dir', 'int', '2', 1],
    ['num.replica.fetchers', 'int', '1', 1],
    ['remote.fetch.max.wait.ms', 'int', '500', 1],
    ['remote.list.offsets.request.timeout.ms', 'long', '30000', 1],
    ['remote.log.index.file.cache.total.size.bytes', 'long', '1073741824', 1],
    ['remote.log.manager.copier.thread.pool.size', 'int', '10', 1],
    ['remote.log.manager.copy.max.bytes.per.second', 'long', longMax, 1],
    ['remote.log.manager.expiration.thread.pool.size', 'int', '10', 1],
    ['remote.log.manager.fetch.max.bytes.per.second', 'long', longMax, 1],
    ['remote.log.reader.threads', 'int', '10', 1],
  ]
  return settings.map(([name, type, value, minimum]) => ({
    name,
    type,
    valueOf: always(value),
    isDynamic: true,
    check: atLeast(minimum),
    documentation: 'Has no effect; accepted for tools that tune the threads and disks of Kafka.',
  }))
}
