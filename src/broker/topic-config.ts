import type { Topic } from '../metadata/index.ts'
import type { BrokerConfig } from './config.ts'
import {
  always,
  atLeast,
  between,
  type ConfigDefinition,
  type ConfigDefinitions,
  configDefinitions,
  inheritedConfig,
  listItems,
  listOf,
  longMax,
  oneOf,
} from './config-definition.ts'

/** The parsed topic configs that the log uses. */
export interface TopicConfig {
  /** Maximum size of a record batch in bytes, header included. */
  readonly maxMessageBytes: number
  /** The compression in which batches are stored, by Kafka's number; undefined keeps the producer's. */
  readonly compression: { readonly codec: number; readonly level: number | undefined } | undefined
  /** Whether the broker's time replaces the producer's (LogAppendTime). */
  readonly appendTime: boolean
  /** How far a producer's timestamp may be before or after the broker's time, in milliseconds. */
  readonly timestampBeforeMaxMs: number
  readonly timestampAfterMaxMs: number
  /** Whether only the last record of each key is kept; records need keys then. */
  readonly compact: boolean
  /** How long tombstones are kept after they were first cleaned, in milliseconds. */
  readonly deleteRetentionMs: number
  /** The share of dirty bytes from which a partition is cleaned. */
  readonly minCleanableRatio: number
  /** Younger records are not cleaned, in milliseconds; those older than the maximum are, whatever the ratio. */
  readonly minCompactionLagMs: number
  readonly maxCompactionLagMs: number
  /** Whether retention removes records. */
  readonly delete: boolean
  /** In milliseconds; null keeps records indefinitely. */
  readonly retentionMs: number | null
  /** In bytes; null for no limit. */
  readonly retentionBytes: number | null
  /** Whether the topic is protected from deletion. */
  readonly isProtected: boolean
}

/** Cached per topic, for the broker settings that provided the defaults. */
const parsed = new WeakMap<Topic, { readonly config: BrokerConfig; readonly topicConfig: TopicConfig }>()

/** A topic's effective configs. */
export function topicConfig(topic: Topic, config: BrokerConfig): TopicConfig {
  const known = parsed.get(topic)
  if (known?.config === config) return known.topicConfig
  const fresh = parse(topic.configs, config)
  parsed.set(topic, { config, topicConfig: fresh })
  return fresh
}

function parse(configs: Readonly<Record<string, string>>, config: BrokerConfig): TopicConfig {
  const text = (name: string) => configs[name] ?? inheritedConfig(topicConfigs.get(name)!, config)
  const number = (name: string) => Number(text(name))
  const limit = (name: string) => (number(name) < 0 ? null : number(name))
  const policies = listItems(text('cleanup.policy'))
  return {
    maxMessageBytes: number('max.message.bytes'),
    compression: compressionOf(text('compression.type'), name => number(name)),
    appendTime: text('message.timestamp.type') === 'LogAppendTime',
    timestampBeforeMaxMs: number('message.timestamp.before.max.ms'),
    timestampAfterMaxMs: number('message.timestamp.after.max.ms'),
    compact: policies.includes('compact'),
    deleteRetentionMs: number('delete.retention.ms'),
    minCleanableRatio: number('min.cleanable.dirty.ratio'),
    minCompactionLagMs: number('min.compaction.lag.ms'),
    maxCompactionLagMs: number('max.compaction.lag.ms'),
    delete: policies.includes('delete'),
    retentionMs: limit('retention.ms'),
    retentionBytes: limit('retention.bytes'),
    isProtected: text('warpstream.deletion.protection.enabled').trim().toLowerCase() === 'true',
  }
}

function compressionOf(type: string, levelOf: (name: string) => number): TopicConfig['compression'] {
  switch (type) {
    case 'uncompressed':
      return { codec: 0, level: undefined }
    case 'gzip':
      return { codec: 1, level: levelOf('compression.gzip.level') }
    case 'snappy':
      return { codec: 2, level: undefined }
    case 'lz4':
      return { codec: 3, level: undefined }
    case 'zstd':
      return { codec: 4, level: levelOf('compression.zstd.level') }
    default:
      return undefined
  }
}

/** Why a topic's configs taken together are invalid, or undefined. */
export function topicConfigProblem(
  configs: Readonly<Record<string, string>>,
  config: BrokerConfig,
): string | undefined {
  const { minCompactionLagMs, maxCompactionLagMs } = parse(configs, config)
  if (minCompactionLagMs <= maxCompactionLagMs) return undefined
  return `min.compaction.lag.ms (${minCompactionLagMs}) is larger than max.compaction.lag.ms (${maxCompactionLagMs})`
}

function replicasProblem(value: string): string | undefined {
  const isLegal = value === '*' || listItems(value).every(item => /^\d+:\d+$/.test(item))
  return isLegal ? undefined : 'Value must be * or a list of partition:broker'
}

/** All topic configs of Kafka, so that tools find what they expect; those about local disks have no effect here. */
const topicConfigDefinitions: readonly ConfigDefinition[] = [
  {
    name: 'cleanup.policy',
    type: 'list',
    brokerName: 'log.cleanup.policy',
    defaultOf: always('delete'),
    check: listOf('compact', 'delete'),
    documentation:
      'What happens to old records: they are deleted, compacted to the last record of each key, or both; an empty list keeps them all.',
  },
  {
    name: 'compression.gzip.level',
    type: 'int',
    brokerName: 'compression.gzip.level',
    defaultOf: always('-1'),
    check: value => (value === '-1' ? undefined : between(1, 9)(value)),
    documentation: 'The gzip level if compression.type is gzip and the producer used another compression.',
  },
  {
    name: 'compression.lz4.level',
    type: 'int',
    brokerName: 'compression.lz4.level',
    defaultOf: always('9'),
    check: between(1, 17),
    documentation: 'Has no effect: if compression.type is lz4, batches are compressed with its fastest level.',
  },
  {
    name: 'compression.type',
    type: 'string',
    brokerName: 'compression.type',
    defaultOf: always('producer'),
    check: oneOf('uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'),
    documentation:
      'How batches are stored: as compressed by the producer (producer), or recompressed by the broker if the producer used another compression.',
  },
  {
    name: 'compression.zstd.level',
    type: 'int',
    brokerName: 'compression.zstd.level',
    defaultOf: always('3'),
    check: between(-131072, 22),
    documentation: 'The zstd level if compression.type is zstd and the producer used another compression.',
  },
  {
    name: 'delete.retention.ms',
    type: 'long',
    brokerName: 'log.cleaner.delete.retention.ms',
    defaultOf: always('86400000'),
    check: atLeast(0),
    documentation: 'How long tombstones stay readable in compacted topics.',
  },
  {
    name: 'file.delete.delay.ms',
    type: 'long',
    brokerName: 'log.segment.delete.delay.ms',
    defaultOf: always('60000'),
    check: atLeast(0),
    documentation: 'How long a deleted segment stays on disk.',
  },
  {
    name: 'flush.messages',
    type: 'long',
    brokerName: 'log.flush.interval.messages',
    defaultOf: always(longMax),
    check: atLeast(1),
    documentation: 'After how many records the log is flushed. Here every record is durable before it is acknowledged.',
  },
  {
    name: 'flush.ms',
    type: 'long',
    brokerName: 'log.flush.interval.ms',
    defaultOf: always(longMax),
    check: atLeast(0),
    documentation: 'After what time the log is flushed. Here every record is durable before it is acknowledged.',
  },
  {
    name: 'follower.replication.throttled.replicas',
    type: 'list',
    defaultOf: always(''),
    check: replicasProblem,
    documentation: 'Followers whose replication is throttled. There are no followers here.',
  },
  {
    name: 'index.interval.bytes',
    type: 'int',
    brokerName: 'log.index.interval.bytes',
    defaultOf: always('4096'),
    check: atLeast(0),
    documentation: 'How many bytes apart the entries of the offset index are.',
  },
  {
    name: 'leader.replication.throttled.replicas',
    type: 'list',
    defaultOf: always(''),
    check: replicasProblem,
    documentation: 'Leaders whose replication is throttled. There are no followers here.',
  },
  {
    name: 'local.retention.bytes',
    type: 'long',
    brokerName: 'log.local.retention.bytes',
    defaultOf: always('-2'),
    check: atLeast(-2),
    documentation: 'How much stays on local disks with tiered storage.',
  },
  {
    name: 'local.retention.ms',
    type: 'long',
    brokerName: 'log.local.retention.ms',
    defaultOf: always('-2'),
    check: atLeast(-2),
    documentation: 'How long records stay on local disks with tiered storage.',
  },
  {
    name: 'max.compaction.lag.ms',
    type: 'long',
    brokerName: 'log.cleaner.max.compaction.lag.ms',
    defaultOf: always(longMax),
    check: atLeast(1),
    documentation: 'The maximum time that a record may stay uncompacted.',
  },
  {
    name: 'max.message.bytes',
    type: 'int',
    brokerName: 'message.max.bytes',
    defaultOf: config => String(config.messageMaxBytes),
    check: atLeast(0),
    documentation: 'The largest record batch that is accepted, with its header.',
  },
  {
    name: 'message.timestamp.after.max.ms',
    type: 'long',
    brokerName: 'log.message.timestamp.after.max.ms',
    defaultOf: always('3600000'),
    check: atLeast(0),
    documentation: "How far a record's timestamp may be ahead of the broker's clock.",
  },
  {
    name: 'message.timestamp.before.max.ms',
    type: 'long',
    brokerName: 'log.message.timestamp.before.max.ms',
    defaultOf: always(longMax),
    check: atLeast(0),
    documentation: "How far a record's timestamp may be behind the broker's clock.",
  },
  {
    name: 'message.timestamp.type',
    type: 'string',
    brokerName: 'log.message.timestamp.type',
    defaultOf: always('CreateTime'),
    check: oneOf('CreateTime', 'LogAppendTime'),
    documentation: "Whether records keep the producer's time or get the broker's.",
  },
  {
    name: 'min.cleanable.dirty.ratio',
    type: 'double',
    brokerName: 'log.cleaner.min.cleanable.ratio',
    defaultOf: always('0.5'),
    check: between(0, 1),
    documentation: 'How much of a log must be uncompacted before it is compacted.',
  },
  {
    name: 'min.compaction.lag.ms',
    type: 'long',
    brokerName: 'log.cleaner.min.compaction.lag.ms',
    defaultOf: always('0'),
    check: atLeast(0),
    documentation: 'The minimum time that a record stays uncompacted.',
  },
  {
    name: 'min.insync.replicas',
    type: 'int',
    brokerName: 'min.insync.replicas',
    defaultOf: always('1'),
    check: atLeast(1),
    documentation: 'How many replicas acks=all requires. The object store replicates here, so every value is met.',
  },
  {
    name: 'preallocate',
    type: 'boolean',
    brokerName: 'log.preallocate',
    defaultOf: always('false'),
    documentation: 'Whether segments are allocated on disk in advance.',
  },
  {
    name: 'remote.log.copy.disable',
    type: 'boolean',
    defaultOf: always('false'),
    documentation: 'Whether tiered storage stops taking new segments.',
  },
  {
    name: 'remote.log.delete.on.disable',
    type: 'boolean',
    defaultOf: always('false'),
    documentation: 'Whether tiered records are deleted when tiered storage is turned off.',
  },
  {
    name: 'remote.storage.enable',
    type: 'boolean',
    defaultOf: always('false'),
    documentation: 'Whether the topic uses tiered storage. All records are in the object store here.',
  },
  {
    name: 'retention.bytes',
    type: 'long',
    brokerName: 'log.retention.bytes',
    defaultOf: config => String(config.logRetentionBytes),
    documentation: 'How many bytes a partition keeps; -1 for all.',
  },
  {
    name: 'retention.ms',
    type: 'long',
    brokerName: 'log.retention.ms',
    defaultOf: config => String(config.logRetentionMs),
    check: atLeast(-1),
    documentation: 'How long records are kept; -1 means indefinitely.',
  },
  {
    name: 'segment.bytes',
    type: 'int',
    brokerName: 'log.segment.bytes',
    defaultOf: always('1073741824'),
    check: atLeast(1024 * 1024),
    documentation: 'The size of a segment file.',
  },
  {
    name: 'segment.index.bytes',
    type: 'int',
    brokerName: 'log.index.size.max.bytes',
    defaultOf: always('10485760'),
    check: atLeast(4),
    documentation: 'The size of an index file.',
  },
  {
    name: 'segment.jitter.ms',
    type: 'long',
    brokerName: 'log.roll.jitter.ms',
    defaultOf: always('0'),
    check: atLeast(0),
    documentation: 'The jitter of the time after which a segment is rolled.',
  },
  {
    name: 'segment.ms',
    type: 'long',
    brokerName: 'log.roll.ms',
    defaultOf: always('604800000'),
    check: atLeast(1),
    documentation: 'The time after which a segment is rolled.',
  },
  {
    name: 'unclean.leader.election.enable',
    type: 'boolean',
    brokerName: 'unclean.leader.election.enable',
    defaultOf: always('false'),
    documentation: 'Whether a replica that lags may become leader. No replica can lag here.',
  },
  {
    name: 'warpstream.deletion.protection.enabled',
    type: 'boolean',
    isHidden: true,
    defaultOf: always('false'),
    documentation: 'Whether the topic is protected: it cannot be deleted while this is true.',
  },
  {
    name: 'warpstream.topic.type',
    type: 'string',
    isHidden: true,
    defaultOf: always('classic'),
    check: oneOf('classic', 'lightning'),
    documentation: 'Accepted for WarpStream configurations. Every topic commits records before it acknowledges them.',
  },
]

/** The configs of topics, by name. */
export const topicConfigs: ConfigDefinitions = configDefinitions(topicConfigDefinitions)
