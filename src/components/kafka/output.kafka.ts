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
  key: field.interpolated('The key of the record; records have no key if it is empty.').default(''),
  partitioner: field
    .string('How the partition is chosen.')
    .options({
      fnv1a_hash: 'By a hash of the key; records without a key go to one partition per batch.',
      murmur2_hash:
        "By a hash of the key, as in Kafka's own clients; records without a key go to one partition per batch.",
      random: 'At random.',
      round_robin: 'Round robin.',
      manual: 'As given by `partition`.',
    })
    .default('fnv1a_hash'),
  partition: field.interpolated('The partition, for the `manual` partitioner.').default('').advanced(),
  custom_topic_creation: field
    .object(
      {
        enabled: field.bool('Whether missing topics are created.').default(false).advanced(),
        partitions: field
          .int("The number of partitions of a new topic, which must be greater than one; -1 for the cluster's default.")
          .default(-1)
          .advanced(),
        replication_factor: field
          .int("The replication factor of a new topic, which must be odd; -1 for the cluster's default.")
          .default(-1)
          .advanced(),
      },
      'Creates missing topics with these settings.',
    )
    .optional()
    .advanced(),
  compression: field
    .string('How records are compressed.')
    .options({ none: '', snappy: '', lz4: '', gzip: '', zstd: '' })
    .default('none'),
  static_headers: field
    .string('Headers added to every record.')
    .map()
    .optional()
    .examples({ 'first-static-header': 'value-1', 'second-static-header': 'value-2' }),
  metadata: field
    .object(
      { exclude_prefixes: field.string('Prefixes of metadata keys to exclude.').list().default([]) },
      'Which metadata becomes record headers.',
    )
    .optional(),
  inject_tracing_map: field
    .mapping('A mapping that injects the tracing span into a message.')
    .optional()
    .advanced()
    .examples('meta = @.assign(this)'),
  max_in_flight: maxInFlightField(64),
  idempotent_write: field
    .bool(
      'Whether the cluster drops duplicates of retried writes; this requires acknowledgement by all in-sync replicas.',
    )
    .default(false)
    .advanced(),
  ack_replicas: field
    .bool('Whether all in-sync replicas must store a record before it counts as written.')
    .default(false)
    .advanced(),
  max_msg_bytes: field
    .int("The maximum size of a record's key and value in bytes; a larger record fails.")
    .default(1_000_000)
    .advanced(),
  timeout: field.duration('How long the cluster may take to acknowledge a write.').default('5s').advanced(),
  retry_as_batch: field
    .bool('Whether a batch fails as a whole when the cluster refuses part of it, which preserves order.')
    .default(false)
    .advanced(),
  batching: batchingField,
  max_retries: field.int('How often a failed write is retried; 0 means no limit except time.').default(0).advanced(),
  backoff: field
    .object(
      {
        initial_interval: field
          .duration('The interval before the first retry; later ones grow up to `max_interval`.')
          .default('3s')
          .advanced(),
        max_interval: field.duration('The maximum interval between retries.').default('10s').advanced(),
        max_elapsed_time: field
          .duration('How long to retry before the message fails; 0s means indefinitely.')
          .default('30s')
          .advanced(),
      },
      'The intervals between attempts.',
    )
    .advanced(),
})

export default defineOutput({
  name: 'kafka',
  status: 'stable',
  categories: ['Services'],
  summary: 'Writes records to Kafka topics; `kafka_franz` is the newer of the two outputs and has more features.',
  description: `A record that the cluster refuses permanently, such as one that is too large, fails immediately; the original retries it until \`backoff.max_elapsed_time\` has passed.`,
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
