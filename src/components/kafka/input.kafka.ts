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
      'Topics to read, whose partitions are shared among the members of the group. With `foo:0` only that partition, with `foo:0-10` a range of them.',
    )
    .list()
    .examples(['foo', 'bar'], ['foo,bar'], ['foo:0', 'bar:1', 'bar:3'], ['foo:0,bar:1,bar:3'], ['foo:0-5']),
  consumer_group: field
    .string(
      'The group to read as. With partitions named one by one only offsets are kept under its name, or none where it is empty.',
    )
    .default(''),
  start_from_oldest: field
    .bool('Whether to start with the oldest record where no offset is kept, or the kept one is gone.')
    .default(true)
    .advanced(),
  checkpoint_limit: field
    .int('How many messages of a partition may be on their way before more are read; 1 for strict order.')
    .default(1024),
  auto_replay_nacks: autoReplayNacksField,
  commit_period: field.duration('How often offsets are committed.').default('1s').advanced(),
  transaction_isolation_level: field
    .string('Which records of transactions are seen.')
    .options({ read_uncommitted: 'All.', read_committed: 'Those that were committed.' })
    .default('read_uncommitted')
    .advanced(),
  max_processing_period: field
    .duration('Has no meaning here: a slow pipeline does not hold up the heartbeats of its member.')
    .default('100ms')
    .advanced(),
  extract_tracing_map: field.mapping('Where the tracing span of a message is found.').optional().advanced(),
  new_root_span_with_link: field.bool('Whether messages start a trace of their own.').optional().advanced(),
  group: field
    .object(
      {
        session_timeout: field.duration('How long a member may be silent before it is out.').default('10s').advanced(),
        heartbeat_interval: field.duration('How often a member says that it is there.').default('3s').advanced(),
        rebalance_timeout: field.duration('How long members have to join again.').default('60s').advanced(),
      },
      'Times of the group.',
    )
    .advanced(),
  fetch_buffer_cap: field.int('How many records of a partition are fetched ahead.').default(256).advanced(),
  multi_header: field.bool('Whether headers become lists, as a name may come twice.').default(false).advanced(),
  debug: field.bool('Has no meaning here: the client has no log of its own.').default(false).advanced(),
  batching: batchingField.advanced(),
})

export default defineInput({
  name: 'kafka',
  status: 'stable',
  categories: ['Services'],
  summary: 'Reads records of Kafka topics; `kafka_franz` is the newer of the two inputs and can do more.',
  description: `Partitions are shared among the members of a group by \`range\`, as in the original, so that members of both programs can be in one group.

Metadata of each message: \`kafka_key\`, \`kafka_topic\`, \`kafka_partition\`, \`kafka_offset\`, \`kafka_lag\`, \`kafka_timestamp_unix\`,
\`kafka_timestamp_unix_ms\`, \`kafka_tombstone_message\`, and all record headers by their names. The lag is the number of records behind the message when it was fetched.`,
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
