import {
  autoReplayNacksField,
  batchingField,
  ConfigError,
  defineInput,
  field,
  type Infer,
  type Resources,
} from '../../engine/index.ts'
import { saramaClientOptions, saramaConnectionFields } from './connection-fields.ts'
import { KafkaInput, type KafkaInputSettings } from './kafka-input.ts'
import { parseTopics } from './topics.ts'

const mixed = 'it is not currently possible to include balanced and explicit partition topics in the same kafka input'

const config = field.object({
  ...saramaConnectionFields,
  topics: field
    .string(
      'Topics to read, whose partitions are distributed over the members of the group. `foo:0` reads only that partition, `foo:0-10` a range of partitions.',
    )
    .list()
    .examples(['foo', 'bar'], ['foo,bar'], ['foo:0', 'bar:1', 'bar:3'], ['foo:0,bar:1,bar:3'], ['foo:0-5']),
  consumer_group: field
    .string(
      'The consumer group. When partitions are listed explicitly it only stores offsets, and no offsets are stored if it is empty.',
    )
    .default(''),
  start_from_oldest: field
    .bool(
      'Whether to start at the oldest record when there is no committed offset, or when the committed offset is out of range.',
    )
    .default(true)
    .advanced(),
  checkpoint_limit: field
    .int(
      'The maximum number of messages of a partition in flight before reading pauses; 1 processes them in strict order.',
    )
    .default(1024),
  auto_replay_nacks: autoReplayNacksField,
  commit_period: field.duration('How often offsets are committed.').default('1s').advanced(),
  transaction_isolation_level: field
    .string('Which records of transactions are delivered.')
    .options({ read_uncommitted: 'All.', read_committed: 'Only committed records.' })
    .default('read_uncommitted')
    .advanced(),
  max_processing_period: field
    .duration('Has no effect: a slow pipeline does not delay the heartbeats of its member.')
    .default('100ms')
    .advanced(),
  extract_tracing_map: field
    .mapping('A mapping that extracts the tracing span of a message.')
    .optional()
    .advanced()
    .examples('root = @'),
  new_root_span_with_link: field.bool('Whether each message starts a new trace.').optional().advanced(),
  group: field
    .object(
      {
        session_timeout: field
          .duration('How long a member may miss heartbeats before it is removed from the group.')
          .default('10s')
          .advanced(),
        heartbeat_interval: field.duration('How often a member sends heartbeats.').default('3s').advanced(),
        rebalance_timeout: field
          .duration('How long members have to rejoin during a rebalance.')
          .default('60s')
          .advanced(),
      },
      'Timeouts of the group membership.',
    )
    .advanced(),
  fetch_buffer_cap: field.int('How many records of a partition are prefetched.').default(256).advanced(),
  multi_header: field.bool('Whether headers become arrays, so that repeated names are kept.').default(false).advanced(),
  debug: field.bool('Has no effect: the client has no log of its own.').default(false).advanced(),
  batching: batchingField.advanced(),
})

export default defineInput({
  name: 'kafka',
  status: 'stable',
  categories: ['Services'],
  summary: 'Reads records from Kafka topics; `kafka_franz` is the newer of the two inputs and has more features.',
  description: `Partitions are assigned to the members of a group by the \`range\` strategy, as in the original, so that members of both programs can share a group.

Metadata of each message: \`kafka_key\`, \`kafka_topic\`, \`kafka_partition\`, \`kafka_offset\`, \`kafka_lag\`, \`kafka_timestamp_unix\`,
\`kafka_timestamp_unix_ms\`, \`kafka_tombstone_message\`, and all record headers by name. The lag is the number of records after the message in its partition at the time of the fetch.`,
  config,
  requires: ['@platformatic/kafka'],
  needs: ['network'],
  create: (options, resources) => new KafkaInput(settingsOf(options, resources), resources),
})

function settingsOf(options: Infer<typeof config>, resources: Resources): KafkaInputSettings {
  const { consumer_group: group, group: times } = options
  const selection = parseTopics(options.topics)
  if (selection.topics.length === 0 && selection.partitions.size === 0) {
    throw new ConfigError('must specify at least one topic in the topics field')
  }
  if (selection.topics.length > 0 && selection.partitions.size > 0) throw new ConfigError(mixed)
  if (group === '' && selection.topics.length > 0) {
    throw new ConfigError('a consumer group must be specified when consuming balanced topics')
  }
  return {
    source: {
      client: {
        ...saramaClientOptions(options, resources),
        autocommit: false,
        minBytes: 1,
        maxBytes: 100_000_000,
        maxWaitTime: 500,
        isolationLevel: options.transaction_isolation_level === 'read_committed' ? 1 : 0,
        retries: 2,
        retryDelay: 250,
      },
      fallback: options.start_from_oldest ? 'earliest' : 'latest',
      maxPartitionBytes: 1_048_576,
      enoughReady: options.fetch_buffer_cap,
    },
    selection,
    patterns: null,
    group,
    membership: {
      balancers: ['range'],
      sessionTimeoutMs: times.session_timeout ?? 10_000,
      heartbeatMs: times.heartbeat_interval ?? 3000,
      rebalanceTimeoutMs: times.rebalance_timeout ?? 60_000,
    },
    metadataMaxAgeMs: 300_000,
    checkpointLimit: options.checkpoint_limit,
    commitPeriodMs: options.commit_period ?? 1000,
    isExactlyOnce: false,
    rateLimit: '',
    isMultiHeader: options.multi_header,
    isSarama: true,
    batching: options.batching,
  }
}
