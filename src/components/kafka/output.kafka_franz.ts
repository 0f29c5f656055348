import {
  type MessageToProduce,
  MultipleErrors,
  Producer,
  type ProducerOptions,
  ProtocolError,
  type SendOptions,
} from '@platformatic/kafka'
import { asError, formatUuidV4 } from '../../base/index.ts'
import { toText } from '../../bloblang/index.ts'
import {
  type Batch,
  batchingField,
  ConfigError,
  defineOutput,
  field,
  type Infer,
  maxInFlightField,
  metadataFilter,
  metadataFilterFields,
  type Message,
  NotConnectedError,
  type Output,
  type Resources,
} from '../../engine/index.ts'
import { murmur2 } from '../../kafka/index.ts'
import { clientOptions, connectionFields, parseBytes } from './connection-fields.ts'
import { ExactlyOnce } from './exactly-once.ts'
import { explained } from './fetcher.ts'

/** A transaction that is open for longer is aborted by the cluster. */
const minTransactionTimeoutMs = 60_000

const config = field
  .object({
    ...connectionFields,
    topic: field.interpolated('The topic to write to.'),
    key: field.interpolated('The key of the record.').optional(),
    partitioner: field
      .string('How the partition is chosen.')
      .options({
        murmur2_hash: "By the key as Kafka's own clients do; without a key one partition for each batch.",
        round_robin: 'One after the other.',
        least_backup: 'The one with the fewest records waiting, for each batch.',
        uniform_bytes: 'So that each gets as many bytes.',
        manual: 'As `partition` says.',
      })
      .optional()
      .advanced(),
    uniform_bytes_options: field
      .object({
        bytes: field.string('Bytes for a partition before the next has its turn.').default('1MB'),
        adaptive: field.bool('Whether slow partitions get less.').default(false),
        keys: field.bool('Whether keys decide where there are any.').default(false),
      })
      .optional()
      .advanced(),
    partition: field.interpolated('The partition, where the partitioner is `manual`.').optional(),
    exactly_once: field
      .bool(
        'Whether writes are a part of the transactions of the `kafka_franz` input of the same stream, of the same cluster, which must have `exactly_once` as well.',
      )
      .default(false)
      .advanced(),
    transactional_id: field
      .string(
        'The name of the transactions, which no other instance may have at the same time. One that stays the same over restarts lets the next run abort what the last one left open without waiting. A random one by default.',
      )
      .optional()
      .advanced(),
    idempotent_write: field.bool('Whether the cluster drops what is sent twice.').default(true).advanced(),
    metadata: field.object(metadataFilterFields, 'Metadata that becomes headers of the record.').optional(),
    max_in_flight: maxInFlightField(10),
    timeout: field.duration('How long a write may take.').default('10s').advanced(),
    batching: batchingField,
    max_message_bytes: field.string('The most bytes of a request.').default('1MB').advanced(),
    max_buffered_records: field.int('The most records that wait to be sent.').default(10_000).advanced(),
    compression: field
      .string('How records are compressed.')
      .options({ lz4: '', snappy: '', gzip: '', none: '', zstd: '' })
      .optional()
      .advanced(),
  })
  .lint(value => {
    const given = (value ?? {}) as Record<string, unknown>
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
type Record_ = MessageToProduce<Buffer, Buffer, Buffer, Buffer>

export default defineOutput({
  name: 'kafka_franz',
  status: 'stable',
  categories: ['Services'],
  summary: 'Writes records to Kafka topics and waits until the cluster has them.',
  config,
  requires: ['@platformatic/kafka'],
  needs: ['network'],
  create: (options, resources) => new KafkaFranzOutput(options, resources),
})

class KafkaFranzOutput implements Output {
  readonly #config: Config
  readonly #options: ProducerOptions<Buffer, Buffer, Buffer, Buffer>
  readonly #includes: (key: string) => boolean
  readonly #exactlyOnce: ExactlyOnce | undefined
  #producer: Producer | null = null
  #turn = 0
  #closed = false

  constructor(options: Config, { host, shared }: Resources) {
    this.#config = options
    parseBytes('max_message_bytes', options.max_message_bytes)
    if (options.partitioner === 'manual' && options.partition === undefined) {
      throw new ConfigError('a partition must be specified when the partitioner is set to manual')
    }
    this.#includes = metadataFilter(options.metadata ?? { include_prefixes: [], include_patterns: [] })
    this.#options = {
      ...clientOptions(options, host),
      idempotent: options.idempotent_write,
      acks: -1,
      autocreateTopics: true,
      timeout: options.timeout ?? 10_000,
      retries: 3,
      retryDelay: 250,
      ...(options.compression === undefined
        ? {}
        : {
            compression: options.compression as NonNullable<
              ProducerOptions<Buffer, Buffer, Buffer, Buffer>['compression']
            >,
          }),
    }
    if (!options.exactly_once) return
    this.#exactlyOnce = ExactlyOnce.of(shared)
    this.#exactlyOnce.writeWith({
      ...this.#options,
      transactionalId: options.transactional_id ?? `penstock-${formatUuidV4(randomBytes(host))}`,
      // This is how long a transaction may stay open as well: as long as all of a round takes.
      timeout: Math.max(this.#options.timeout ?? 0, minTransactionTimeoutMs),
    })
  }

  async connect(): Promise<void> {
    // Batches that were on their way together each report the loss, some of them late.
    if (this.#producer !== null) return
    const producer = new Producer(this.#options)
    try {
      await producer.metadata({ topics: [] })
    } catch (error) {
      await producer.close(true).catch(() => undefined)
      throw explained(error)
    }
    this.#producer = producer
  }

  async write(batch: Batch): Promise<void> {
    await this.#send(batch.map((_, index) => this.#record(batch, index)))
  }

  /** Sends a run together; where the cluster refuses some of it, those that it does not have are sent again one by one. */
  async writeRun(run: readonly Message[]): Promise<readonly (Error | null)[]> {
    const outcomes: (Error | null)[] = run.map(() => null)
    const places = new Map<Record_, number>()
    for (const [index, message] of run.entries()) {
      try {
        places.set(this.#record([message], 0), index)
      } catch (error) {
        outcomes[index] = asError(error)
      }
    }
    const records = [...places.keys()]
    if (records.length === 0) return outcomes
    const partitions = new Map<Record_, number>()
    let refusal: RefusedError
    try {
      await this.#send(records, partitions)
      return outcomes
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error
      refusal = error
    }
    const [only] = records
    if (records.length === 1) {
      outcomes[places.get(only!)!] = refusal
      return outcomes
    }
    const isDelivered = await this.#deliveredOf(refusal, partitions)
    for (const record of records) {
      if (isDelivered(record)) continue
      outcomes[places.get(record)!] = await this.#send([record]).then(
        () => null,
        (error: unknown) => asError(error),
      )
    }
    return outcomes
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#exactlyOnce?.close()
    await this.#producer?.close(true)
  }

  /** Resolves when the cluster has all records. `partitions` is given the partition that was chosen for each. */
  async #send(records: Record_[], partitions?: Map<Record_, number>): Promise<void> {
    const producer = this.#producer
    if (producer === null) throw new NotConnectedError()
    this.#turn++
    const turn = this.#turn
    const sent: SendOptions<Buffer, Buffer, Buffer, Buffer> = {
      messages: records,
      acks: -1,
      partitioner: (message, key) => {
        const partition = this.#partition(message, key, turn)
        partitions?.set(message, partition)
        return partition
      },
    }
    if (this.#exactlyOnce !== undefined) {
      return this.#exactlyOnce.send(sent, isRefusal).catch((error: unknown) => {
        throw isRefusal(error) ? new RefusedError(error) : error
      })
    }
    try {
      await producer.send(sent)
    } catch (error) {
      if (isRefusal(error)) throw new RefusedError(error)
      // A client that lost its connection may number later records from the beginning under its old id, and a cluster
      // takes those for repetitions and drops them. So it is not used again.
      if (this.#producer === producer) {
        this.#producer = null
        void producer.close(true).catch(() => undefined)
      }
      throw new NotConnectedError(error)
    }
    if (this.#producer !== producer && !this.#closed)
      throw new NotConnectedError(new Error('the connection was lost while the batch was on its way'))
  }

  /** Which records the cluster has, though it refused others that were sent with them. */
  async #deliveredOf(
    refusal: RefusedError,
    partitions: ReadonlyMap<Record_, number>,
  ): Promise<(record: Record_) => boolean> {
    const delivered = deliveredPartitions(refusal.cause)
    if (delivered.size === 0 || this.#producer === null) return () => false
    const topics = new Set([...partitions.keys()].map(({ topic }) => topic))
    const metadata = await this.#producer.metadata({ topics: [...topics] })
    return record => {
      const count = metadata.topics.get(record.topic)?.partitionsCount ?? 1
      return delivered.has(`${record.topic}:${(record.partition ?? partitions.get(record)!) % count}`)
    }
  }

  #record(batch: Batch, index: number): Record_ {
    const { topic, key, partition } = this.#config
    const message = batch[index]!
    const record: Record_ = {
      topic: topic.static ?? topic.eval(batch, index),
      value: asBuffer(message.bytes()),
    }
    if (key !== undefined) record.key = asBuffer(key.evalBytes(batch, index))
    if (partition !== undefined && this.#config.partitioner === 'manual') {
      record.partition = parsePartition(partition.eval(batch, index))
    }
    const headers = this.#headers(message)
    if (headers !== undefined) record.headers = headers
    return record
  }

  #headers(message: Message): Map<Buffer, Buffer> | undefined {
    if (this.#config.metadata === undefined) return undefined
    const headers = new Map<Buffer, Buffer>()
    for (const [key, value] of message.metadata) {
      if (this.#includes(key)) headers.set(Buffer.from(key), Buffer.from(toText(value)))
    }
    return headers
  }

  #partition(message: Record_, key: Buffer | undefined, turn: number): number {
    if (message.partition !== undefined) return message.partition
    if (this.#config.partitioner === 'round_robin') return this.#turn++ & 0x7fffffff
    // The library takes the remainder by the number of partitions. Records without a key go to one partition for each
    // batch, so that a batch stays one record batch on the wire.
    if (key === undefined) return turn & 0x7fffffff
    return murmur2(key) & 0x7fffffff
  }
}

function randomBytes(host: Pick<Resources['host'], 'random'>): Uint8Array {
  return Uint8Array.from({ length: 16 }, () => Math.floor(host.random() * 256))
}

function parsePartition(text: string): number {
  if (!/^\d{1,9}$/.test(text.trim())) throw new Error(`failed to parse partition: '${text}' is not a number`)
  return Number(text)
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** A cluster has said no for good to records, so that nothing is wrong with the connection. */
class RefusedError extends Error {
  constructor(cause: unknown) {
    super(explained(cause).message, { cause })
    this.name = 'RefusedError'
  }
}

/** What is wrong with the producer or its transaction, not with the records: another producer may send them. */
const producerErrors: ReadonlySet<string> = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
  'INVALID_PRODUCER_ID_MAPPING',
  'INVALID_TXN_STATE',
  'PRODUCER_FENCED',
  'TRANSACTION_ABORTABLE',
])

function isRefusal(error: unknown): boolean {
  if (error instanceof ProtocolError) return !error.canRetry && !producerErrors.has(error.apiId)
  return error instanceof MultipleErrors && error.errors.length > 0 && error.errors.every(isRefusal)
}

interface PartitionResponse {
  readonly index: number
  readonly errorCode: number
}

/** `topic:partition` of those whose records a cluster took, as far as a failed request tells. */
function deliveredPartitions(error: unknown): ReadonlySet<string> {
  const delivered = new Set<string>()
  // The library declares neither: `produced` is what other brokers took, `response` the answer of one that refused.
  const { produced, response, errors } = error as {
    readonly produced?: { readonly offsets?: readonly { readonly topic: string; readonly partition: number }[] }
    readonly response?: {
      readonly responses?: readonly {
        readonly name: string
        readonly partitionResponses: readonly PartitionResponse[]
      }[]
    }
    readonly errors?: readonly unknown[]
  }
  for (const { topic, partition } of produced?.offsets ?? []) delivered.add(`${topic}:${partition}`)
  for (const { name, partitionResponses } of response?.responses ?? []) {
    for (const { index, errorCode } of partitionResponses) if (errorCode === 0) delivered.add(`${name}:${index}`)
  }
  for (const each of errors ?? []) for (const key of deliveredPartitions(each)) delivered.add(key)
  return delivered
}
