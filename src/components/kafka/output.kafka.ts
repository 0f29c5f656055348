import { toText } from '../../bloblang/index.ts'
import {
  batchingField,
  ConfigError,
  defineOutput,
  field,
  type Infer,
  maxInFlightField,
  type Resources,
} from '../../engine/index.ts'
import { hasHeaders, saramaClientOptions, saramaConnectionFields } from './connection-fields.ts'
import { KafkaOutput, type KafkaOutputSettings, type KafkaProducerOptions } from './kafka-output.ts'

const partitioners: Readonly<Record<string, KafkaOutputSettings['partitioner']>> = {
  fnv1a_hash: 'fnv1a',
  murmur2_hash: 'murmur2',
  round_robin: 'round_robin',
}

const config = field.object({
  ...saramaConnectionFields,
  topic: field.interpolated('The topic to write to.'),
  key: field.interpolated('The key of the record; none where it is empty.').default(''),
  partitioner: field
    .string('How the partition is chosen.')
    .options({
      fnv1a_hash: 'By the key; without a key one partition for each batch.',
      murmur2_hash: "By the key as Kafka's own clients do; without a key one partition for each batch.",
      random: 'By chance.',
      round_robin: 'One after the other.',
      manual: 'As `partition` says.',
    })
    .default('fnv1a_hash'),
  partition: field.interpolated('The partition, where the partitioner is `manual`.').default('').advanced(),
  custom_topic_creation: field
    .object(
      {
        enabled: field.bool('Whether topics are created that do not exist.').default(false).advanced(),
        partitions: field
          .int('The partitions of a new topic, more than one; -1 for what the cluster has by default.')
          .default(-1)
          .advanced(),
        replication_factor: field
          .int('The replicas of a new topic, an odd number; -1 for what the cluster has by default.')
          .default(-1)
          .advanced(),
      },
      'Creates topics, with settings of their own.',
    )
    .optional()
    .advanced(),
  compression: field
    .string('How records are compressed.')
    .options({ none: '', snappy: '', lz4: '', gzip: '', zstd: '' })
    .default('none'),
  static_headers: field
    .string('Headers that each record gets.')
    .map()
    .optional()
    .examples({ 'first-static-header': 'value-1', 'second-static-header': 'value-2' }),
  metadata: field
    .object(
      { exclude_prefixes: field.string('Prefixes of metadata keys that are left out.').list().default([]) },
      'Which metadata becomes headers.',
    )
    .optional(),
  inject_tracing_map: field.mapping('Puts the tracing span into a message.').optional().advanced(),
  max_in_flight: maxInFlightField(64),
  idempotent_write: field
    .bool('Whether the cluster drops what is sent twice; then all replicas in sync have to have a record.')
    .default(false)
    .advanced(),
  ack_replicas: field
    .bool('Whether all replicas in sync have to have a record before it counts as written.')
    .default(false)
    .advanced(),
  max_msg_bytes: field
    .int('The most bytes of key and value of a record; a larger one fails.')
    .default(1_000_000)
    .advanced(),
  timeout: field.duration('How long the cluster may take for a write.').default('5s').advanced(),
  retry_as_batch: field
    .bool('Whether a batch of which the cluster refuses a part fails as a whole, which keeps its order.')
    .default(false)
    .advanced(),
  batching: batchingField,
  max_retries: field
    .int('How often a write that did not reach the cluster is tried again before it fails; 0 for no limit but time.')
    .default(0)
    .advanced(),
  backoff: field
    .object(
      {
        initial_interval: field.duration('The first time to wait.').default('3s').advanced(),
        max_interval: field.duration('The longest time to wait.').default('10s').advanced(),
        max_elapsed_time: field.duration('After how long the message fails; 0s for never.').default('30s').advanced(),
      },
      'How long to wait between attempts.',
    )
    .advanced(),
})

export default defineOutput({
  name: 'kafka',
  status: 'stable',
  categories: ['Services'],
  summary: 'Writes records to Kafka topics; `kafka_franz` is the newer of the two outputs and can do more.',
  description: `A record that the cluster refuses for good, such as one that is too large, fails at once; the original tries it again until \`backoff.max_elapsed_time\` is over.`,
  config,
  requires: ['@platformatic/kafka'],
  needs: ['network'],
  create: (options, resources) => new KafkaOutput(settingsOf(options, resources), resources),
})

function settingsOf(options: Infer<typeof config>, resources: Resources): KafkaOutputSettings {
  const { backoff, partition, custom_topic_creation: creation } = options
  const isManual = options.partitioner === 'manual'
  const hasPartition = partition.static !== ''
  if (isManual && !hasPartition) throw new ConfigError("partition field required for 'manual' partitioner")
  if (!isManual && hasPartition) {
    throw new ConfigError("partition field can only be specified for 'manual' partitioner")
  }
  const acks = options.ack_replicas || options.idempotent_write ? -1 : 1
  return {
    producer: {
      ...saramaClientOptions(options, resources),
      idempotent: options.idempotent_write,
      acks,
      autocreateTopics: creation?.enabled !== true,
      timeout: options.timeout ?? 5000,
      retries: 3,
      retryDelay: 250,
      // The options of the field are the library's names.
      compression: options.compression as NonNullable<KafkaProducerOptions['compression']>,
    },
    acks,
    topic: options.topic,
    key: options.key.static === '' ? undefined : options.key,
    keepsEmptyKeys: false,
    partition: isManual ? partition : undefined,
    // Unused where partitions are chosen by number.
    partitioner: partitioners[options.partitioner] ?? 'random',
    headersOf: headersBy(options),
    maxBytes: { field: 'max_msg_bytes', value: options.max_msg_bytes },
    failsAsBatch: options.retry_as_batch,
    transactionalId: undefined,
    ...(creation?.enabled === true ? { newTopics: checkedTopics(creation) } : {}),
    retries: {
      initialMs: backoff.initial_interval ?? 3000,
      maxMs: backoff.max_interval ?? 10_000,
      maxElapsedMs: backoff.max_elapsed_time ?? 30_000,
      max: options.max_retries,
    },
  }
}

function headersBy(options: Infer<typeof config>): KafkaOutputSettings['headersOf'] {
  if (!hasHeaders(options.target_version)) return () => undefined
  const excluded = options.metadata?.exclude_prefixes ?? []
  const own = Object.entries(options.static_headers ?? {})
  return ({ metadata }) => {
    const headers = new Map<Buffer, Buffer>()
    for (const [key, value] of metadata) {
      if (!excluded.some(prefix => key.startsWith(prefix))) headers.set(Buffer.from(key), Buffer.from(toText(value)))
    }
    for (const [key, value] of own) headers.set(Buffer.from(key), Buffer.from(value))
    return headers.size === 0 ? undefined : headers
  }
}

function checkedTopics(creation: { readonly partitions: number; readonly replication_factor: number }) {
  const { partitions, replication_factor: replicas } = creation
  if (partitions !== -1 && partitions < 2) {
    throw new ConfigError(`topic_partitions must be greater than one, got ${partitions}`)
  }
  if (replicas !== -1 && replicas % 2 === 0) {
    throw new ConfigError(`topic_replication_factor must be an odd number, got ${replicas}`)
  }
  return { partitions, replicas }
}
