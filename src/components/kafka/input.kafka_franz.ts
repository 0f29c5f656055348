import { fieldsOf } from '../../base/index.ts'
import { compileRe2, type Re2 } from '../../bloblang/index.ts'
import {
  autoReplayNacksField,
  batchingField,
  ConfigError,
  defineInput,
  field,
  type Infer,
  type Resources,
} from '../../engine/index.ts'
import { clientOptions, connectionFields, parseBytes } from './connection-fields.ts'
import { KafkaInput, type KafkaInputSettings } from './kafka-input.ts'
import { defaultTimes } from './record-source.ts'
import { parseTopics } from './topics.ts'

/** Names of the balancers in the group protocol. */
const protocolNames: Readonly<Record<string, string>> = {
  range: 'range',
  round_robin: 'roundrobin',
  cooperative_sticky: 'cooperative-sticky',
}

const config = field
  .object({
    ...connectionFields,
    topics: field
      .string(
        'Topics to read. Without a consumer group, `foo:0` reads only that partition, `foo:0-3` a range of partitions, and `foo:0:25` starts at that offset.',
      )
      .list()
      .examples(['foo', 'bar'], ['foo:0', 'bar:1-3']),
    regexp_topics: field.bool('Whether `topics` are regular expressions.').default(false),
    consumer_group: field
      .string('The consumer group: partitions are distributed over its members, and offsets are committed to it.')
      .optional(),
    checkpoint_limit: field
      .int('The maximum number of messages of a partition in flight before reading pauses.')
      .default(1024)
      .advanced(),
    exactly_once: field
      .bool(
        'Whether offsets are committed atomically with the records that the `kafka_franz` output of the same stream writes to the same cluster; that output must also have `exactly_once`. Only committed records are read.',
      )
      .default(false)
      .advanced(),
    auto_replay_nacks: autoReplayNacksField,
    commit_period: field.duration('How often offsets are committed.').default('5s').advanced(),
    start_from_oldest: field.bool('Whether a new group starts at the oldest record.').default(true).advanced(),
    reconnect_on_unknown_topic_or_partition: field
      .bool('Whether the input reconnects when a topic disappears.')
      .default(false)
      .ineffective('the input does not connect again for that reason')
      .advanced(),
    auto_offset_reset: field
      .string('Where to start when there is no committed offset; takes precedence over `start_from_oldest`.')
      .options({
        earliest: 'At the oldest record.',
        latest: 'At the end, with new records only.',
        none: 'Fail instead of starting.',
      })
      .optional()
      .advanced(),
    group_balancers: field
      .string('The strategies for assigning partitions to members, in order of preference.')
      .options({ round_robin: '', range: '', sticky: '', cooperative_sticky: '' })
      .list()
      .default(['cooperative_sticky'])
      .advanced(),
    fetch_max_bytes: field.string('The maximum size of a fetch, in bytes.').default('50MiB').advanced(),
    fetch_max_partition_bytes: field
      .string("The maximum size of one partition's share of a fetch, in bytes.")
      .default('1MiB')
      .advanced(),
    fetch_max_wait: field
      .duration('How long the broker may wait for records before it answers a fetch.')
      .default('5s')
      .advanced(),
    preferring_lag: field
      .int('Partitions that lag by more records than this are read first.')
      .optional()
      .ineffective('lag does not decide which partition is read first')
      .advanced(),
    transaction_isolation_level: field
      .string('Which records of transactions are delivered.')
      .options({ read_uncommitted: 'All.', read_committed: 'Only committed records.' })
      .default('read_uncommitted')
      .advanced(),
    multi_header: field
      .bool('Whether headers become arrays, so that repeated names are kept.')
      .default(false)
      .advanced(),
    batching: batchingField.advanced(),
    rate_limit: field.string('A rate limit resource; each batch counts as one use.').default('').advanced(),
    extract_tracing_map: field
      .mapping('A mapping that extracts the tracing span of a message.')
      .optional()
      .advanced()
      .examples('root = @'),
    new_root_span_with_link: field.bool('Whether each message starts a new trace.').optional().advanced(),
  })
  .lint(value => {
    const given = fieldsOf(value)
    const { topics, consumer_group: group, regexp_topics: regexp, exactly_once: exactlyOnce } = given
    if (exactlyOnce === true && (group === undefined || group === '')) return 'exactly_once needs a consumer_group'
    if (!Array.isArray(topics) || !topics.some(topic => String(topic).includes(':'))) return undefined
    if (group !== undefined && group !== '') {
      return 'this input does not support both a consumer group and explicit topic partitions'
    }
    if (regexp === true) {
      return 'this input does not support both regular expression topics and explicit topic partitions'
    }
    return undefined
  })

type Config = Infer<typeof config>

export default defineInput({
  name: 'kafka_franz',
  status: 'stable',
  categories: ['Services'],
  summary: 'Reads records from Kafka topics.',
  description: `Metadata of each message: \`kafka_key\`, \`kafka_topic\`, \`kafka_partition\`, \`kafka_offset\`, \`kafka_timestamp_unix\`,
\`kafka_timestamp_unix_ms\`, \`kafka_tombstone_message\`, and all record headers by name.`,
  config,
  requires: ['@platformatic/kafka'],
  needs: ['network'],
  create: (options, resources) => new KafkaInput(settingsOf(options, resources), resources),
})

function settingsOf(options: Config, resources: Resources): KafkaInputSettings {
  const group = options.consumer_group ?? ''
  const selection = parseTopics(options.topics)
  if (options.exactly_once && group === '') throw new ConfigError('exactly_once needs a consumer_group')
  return {
    source: {
      client: {
        ...clientOptions(options, resources),
        autocommit: false,
        minBytes: 1,
        maxBytes: parseBytes('fetch_max_bytes', options.fetch_max_bytes),
        maxWaitTime: options.fetch_max_wait ?? 5000,
        isolationLevel: options.exactly_once || options.transaction_isolation_level === 'read_committed' ? 1 : 0,
        retries: 2,
        retryDelay: 250,
      },
      fallback: fallbackOf(options.auto_offset_reset) ?? (options.start_from_oldest ? 'earliest' : 'latest'),
      maxPartitionBytes: parseBytes('fetch_max_partition_bytes', options.fetch_max_partition_bytes),
    },
    selection,
    patterns: options.regexp_topics ? selection.topics.map(compilePattern) : null,
    group,
    membership: { ...defaultTimes, balancers: balancersOf(options.group_balancers, resources.log) },
    metadataMaxAgeMs: options.metadata_max_age ?? 300_000,
    checkpointLimit: options.checkpoint_limit,
    commitPeriodMs: options.commit_period ?? 5000,
    isExactlyOnce: options.exactly_once,
    rateLimit: options.rate_limit,
    isMultiHeader: options.multi_header,
    isSarama: false,
    batching: options.batching,
  }
}

function fallbackOf(text: string | undefined): 'earliest' | 'latest' | 'none' | undefined {
  return text === 'earliest' || text === 'latest' || text === 'none' ? text : undefined
}

/** The supported balancers, by their protocol names. A group agrees on one that all of its members support. */
function balancersOf(names: readonly string[], log: Resources['log']): readonly string[] {
  // `range` cannot be combined with others: the client has a single assignment function.
  const known = names
    .flatMap(name => protocolNames[name] ?? [])
    .filter((name, index) => name !== 'range' || index === 0)
  if (known[0] === 'range') return ['range']
  if (known.length > 0 || names.length === 0) return known.length > 0 ? known : ['cooperative-sticky']
  log.warn(`Group balancers ${names.join(', ')} are not available, using round_robin`)
  return ['roundrobin']
}

function compilePattern(pattern: string): Re2 {
  try {
    return compileRe2(pattern)
  } catch (error) {
    throw new ConfigError(`topics: ${String(error)}`, { cause: error })
  }
}
