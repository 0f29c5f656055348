import { formatUuidV4, fieldsOf } from '../../base/index.ts'
import { toText } from '../../bloblang/index.ts'
import {
  batchingField,
  ConfigError,
  defineOutput,
  field,
  type Infer,
  maxInFlightField,
  metadataFilter,
  metadataFilterFields,
  type Resources,
} from '../../engine/index.ts'
import { clientOptions, connectionFields, parseBytes } from './connection-fields.ts'
import { type KafkaOutputSettings, KafkaOutput, type KafkaProducerOptions } from './kafka-output.ts'

const config = field
  .object({
    ...connectionFields,
    topic: field.interpolated('The topic to write to.'),
    key: field.interpolated('The key of the record.').optional(),
    partitioner: field
      .string('How the partition is chosen.')
      .options({
        murmur2_hash:
          "By a hash of the key, as in Kafka's own clients; records without a key go to one partition per batch.",
        round_robin: 'Round robin.',
        least_backup: 'For each batch, the partition with the fewest pending records.',
        uniform_bytes: 'Evenly by bytes.',
        manual: 'As given by `partition`.',
      })
      .optional()
      .advanced(),
    uniform_bytes_options: field
      .object({
        bytes: field.string('The number of bytes sent to a partition before switching to the next.').default('1MB'),
        adaptive: field
          .bool('Whether slow partitions receive less.')
          .default(false)
          .ineffective('each partition gets as many bytes'),
        keys: field.bool('Whether keyed records are partitioned by their key.').default(false),
      })
      .optional()
      .advanced(),
    partition: field
      .interpolated('The partition, for the `manual` partitioner.')
      .optional()
      .examples('${! @partition }'),
    exactly_once: field
      .bool(
        'Whether writes are part of the transactions of the `kafka_franz` input of the same stream and cluster; that input must also have `exactly_once`.',
      )
      .default(false)
      .advanced(),
    transactional_id: field
      .string(
        'The transactional id, which no other instance may use at the same time. An id that is stable across restarts lets the next run abort what the previous one left open without waiting. Random by default.',
      )
      .optional()
      .advanced(),
    idempotent_write: field.bool('Whether the cluster drops duplicates of retried writes.').default(true).advanced(),
    metadata: field.object(metadataFilterFields, 'Which metadata becomes record headers.').optional(),
    max_in_flight: maxInFlightField(10),
    timeout: field.duration('How long a write may take.').default('10s').advanced(),
    batching: batchingField,
    max_message_bytes: field
      .string(
        'The most bytes of key and value of a record, and of those that are sent together; a larger record fails.',
      )
      .default('1MB')
      .advanced(),
    max_buffered_records: field
      .int('The maximum number of records waiting to be sent.')
      .default(10_000)
      .ineffective('what waits is bounded by max_in_flight')
      .advanced(),
    compression: field
      .string('How records are compressed.')
      .options({ lz4: '', snappy: '', gzip: '', none: '', zstd: '' })
      .optional()
      .advanced(),
  })
  .lint(value => {
    const given = fieldsOf(value)
    const { partitioner, partition, exactly_once: exactlyOnce, idempotent_write: idempotent } = given
    const hasPartition = partition !== undefined && partition !== ''
    if (partitioner === 'manual' && !hasPartition) {
      return 'a partition must be specified when the partitioner is set to manual'
    }
    if (exactlyOnce === true && idempotent === false) return 'exactly_once needs idempotent_write'
    if (partitioner !== 'manual' && hasPartition) {
      return 'a partition cannot be specified unless the partitioner is set to manual'
    }
    return undefined
  })

type Config = Infer<typeof config>

export default defineOutput({
  name: 'kafka_franz',
  status: 'stable',
  categories: ['Services'],
  summary: 'Writes records to Kafka topics and waits until the cluster has stored them.',
  config,
  requires: ['@platformatic/kafka'],
  needs: ['network'],
  create: (options, resources) => new KafkaOutput(settingsOf(options, resources), resources),
})

function settingsOf(options: Config, resources: Resources): KafkaOutputSettings {
  const isManual = options.partitioner === 'manual'
  if (isManual && options.partition === undefined) {
    throw new ConfigError('a partition must be specified when the partitioner is set to manual')
  }
  const includes = metadataFilter(options.metadata ?? { include_prefixes: [], include_patterns: [] })
  const hasTransactions = options.exactly_once
  return {
    producer: {
      ...clientOptions(options, resources),
      idempotent: options.idempotent_write,
      acks: -1,
      autocreateTopics: true,
      timeout: options.timeout ?? 10_000,
      retries: 3,
      retryDelay: 250,
      ...compressionOf(options.compression),
    },
    acks: -1,
    topic: options.topic,
    key: options.key,
    keepsEmptyKeys: true,
    partition: isManual ? options.partition : undefined,
    partitioner: options.partitioner === 'round_robin' ? 'round_robin' : 'murmur2',
    headersOf({ metadata }) {
      if (options.metadata === undefined) return undefined
      const headers = new Map<Buffer, Buffer>()
      for (const [key, value] of metadata) {
        if (includes(key)) headers.set(Buffer.from(key), Buffer.from(toText(value)))
      }
      return headers
    },
    maxBytes: { field: 'max_message_bytes', value: parseBytes('max_message_bytes', options.max_message_bytes) },
    failsAsBatch: true,
    transactionalId: hasTransactions
      ? (options.transactional_id ?? `penstock-${formatUuidV4(randomBytes(resources.host))}`)
      : undefined,
  }
}

function compressionOf(name: string | undefined): Pick<KafkaProducerOptions, 'compression'> {
  // The options of the field are the library's names.
  return name === undefined ? {} : { compression: name as NonNullable<KafkaProducerOptions['compression']> }
}

function randomBytes(host: Pick<Resources['host'], 'random'>): Uint8Array {
  return Uint8Array.from({ length: 16 }, () => Math.floor(host.random() * 256))
}
