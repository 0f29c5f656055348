import {
  Admin,
  type MessageToProduce,
  MultipleErrors,
  Producer,
  type ProducerOptions,
  ProtocolError,
  type SendOptions,
} from '@platformatic/kafka'
import { asError } from '../../base/index.ts'
import type { Interpolation } from '../../bloblang/index.ts'
import {
  Backoff,
  type Batch,
  evaluated,
  type Message,
  NotConnectedError,
  type Output,
  pause,
  type Resources,
  throwFailures,
  withDeadline,
} from '../../engine/index.ts'
import { murmur2 } from '../../kafka/index.ts'
import { ExactlyOnce } from './exactly-once.ts'
import { closeQuietly, explained } from './fetcher.ts'

const connectTimeoutMs = 30_000

/** Lower bound of the transaction timeout, after which the cluster aborts an open transaction. */
const minTransactionTimeoutMs = 60_000

export type KafkaProducerOptions = ProducerOptions<Buffer, Buffer, Buffer, Buffer>
type Record_ = MessageToProduce<Buffer, Buffer, Buffer, Buffer>

/** The settings common to the Kafka outputs. */
export interface KafkaOutputSettings {
  readonly producer: KafkaProducerOptions
  /** Required acknowledgements: -1 for all in-sync replicas, 1 for the leader only. */
  readonly acks: -1 | 1
  readonly topic: Interpolation
  readonly key: Interpolation | undefined
  /** Whether an empty key is kept as a key; otherwise the record has none. */
  readonly keepsEmptyKeys: boolean
  /** Set where the configuration chooses partitions by number. */
  readonly partition: Interpolation | undefined
  readonly partitioner: 'murmur2' | 'fnv1a' | 'random' | 'round_robin'
  headersOf(message: Message): Map<Buffer, Buffer> | undefined
  /** Limit on the size of key and value of one record, and on the total of the records sent together. */
  readonly maxBytes: { readonly field: string; readonly value: number }
  /** Whether a batch fails as a whole when the cluster refuses part of it. */
  readonly failsAsBatch: boolean
  /** Set where writes are part of transactions. */
  readonly transactionalId: string | undefined
  /** Set where topics are created; -1 selects the cluster's default. */
  readonly newTopics?: { readonly partitions: number; readonly replicas: number }
  /** How often a write is retried before it fails; `max` 0 means as long as `maxElapsedMs` allows. */
  readonly retries?: {
    readonly initialMs: number
    readonly maxMs: number
    readonly maxElapsedMs: number
    readonly max: number
  }
}

export class KafkaOutput implements Output {
  readonly #settings: KafkaOutputSettings
  readonly #random: () => number
  /** Topics that were created or already exist. */
  readonly #created = new Map<string, Promise<void>>()
  readonly #exactlyOnce: ExactlyOnce | undefined
  #producer: Producer | null = null
  #turn = 0
  #closed = false

  constructor(settings: KafkaOutputSettings, { shared, host }: Resources) {
    this.#settings = settings
    this.#random = () => host.random()
    const { transactionalId } = settings
    if (transactionalId === undefined) return
    this.#exactlyOnce = ExactlyOnce.of(shared)
    this.#exactlyOnce.writeWith({
      ...settings.producer,
      transactionalId,
      // This is also how long a transaction may stay open, which must cover a whole round.
      timeout: Math.max(settings.producer.timeout ?? 0, minTransactionTimeoutMs),
    })
  }

  async connect(signal: AbortSignal): Promise<void> {
    // Several batches in flight each report the loss, some of them late.
    if (this.#producer !== null) return
    const producer = new Producer(this.#settings.producer)
    try {
      // The library tries 16 times for 30 seconds before it reports a broker that does not answer.
      await withDeadline('connecting', connectTimeoutMs, signal, limit =>
        Promise.race([producer.metadata({ topics: [] }), aborted(limit)]),
      )
    } catch (error) {
      await producer.close(true).catch(() => undefined)
      throw explained(error)
    }
    this.#producer = producer
  }

  async write(batch: Batch, signal: AbortSignal): Promise<void> {
    if (this.#settings.failsAsBatch) {
      const records = batch.map((_, index) => this.#record(batch, index))
      return this.#persistently(signal, () => this.#send(records))
    }
    const outcomes = await this.#outcomes(batch, index => this.#record(batch, index), signal)
    const failures = new Map<Message, Error>()
    for (const [index, error] of outcomes.entries()) if (error !== null) failures.set(batch[index]!, error)
    throwFailures(batch, failures)
  }

  writeRun(run: readonly Message[], signal: AbortSignal): Promise<readonly (Error | null)[]> {
    return this.#outcomes(run, index => this.#record([run[index]!], 0), signal)
  }

  /** Sends messages together; if the cluster refuses some, those it does not have are resent one by one. */
  async #outcomes(
    messages: readonly Message[],
    recordAt: (index: number) => Record_,
    signal: AbortSignal,
  ): Promise<readonly (Error | null)[]> {
    const outcomes: (Error | null)[] = messages.map(() => null)
    const places = new Map<Record_, number>()
    for (const index of messages.keys()) {
      try {
        places.set(recordAt(index), index)
      } catch (error) {
        outcomes[index] = asError(error)
      }
    }
    const records = [...places.keys()]
    if (records.length === 0) return outcomes
    const partitions = new Map<Record_, number>()
    let refusal: RefusedError
    try {
      await this.#persistently(signal, () => this.#send(records, partitions))
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
      outcomes[places.get(record)!] = await this.#persistently(signal, () => this.#send([record])).then(
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

  /**
   * Retries for as long as the settings allow; without retry settings the engine reconnects and writes again
   * indefinitely.
   */
  async #persistently(signal: AbortSignal, send: () => Promise<void>): Promise<void> {
    const { retries } = this.#settings
    if (retries === undefined) return send()
    const backoff = new Backoff(retries, this.#random)
    for (let tries = 1; ; tries++) {
      try {
        await this.connect(signal)
        return await send()
      } catch (error) {
        if (error instanceof RefusedError) throw error
        const waitMs = retries.max > 0 && tries > retries.max ? undefined : backoff.next()
        if (waitMs === undefined) {
          const cause = error instanceof NotConnectedError ? (error.cause ?? error) : error
          throw new Error(`failed to send after ${tries} attempts: ${explained(cause).message}`, { cause })
        }
        await pause(waitMs, signal)
        if (signal.aborted) throw error
      }
    }
  }

  /** Creates a topic that does not exist, if configured to. */
  #createTopic(topic: string): Promise<void> {
    const { newTopics, producer } = this.#settings
    if (newTopics === undefined) return Promise.resolve()
    const known = this.#created.get(topic)
    if (known !== undefined) return known
    const creating = createTopic(producer, topic, newTopics)
    this.#created.set(topic, creating)
    creating.catch(() => this.#created.delete(topic))
    return creating
  }

  /** Resolves when the cluster has all records. `partitions` is filled with the partition chosen for each. */
  async #send(records: Record_[], partitions?: Map<Record_, number>): Promise<void> {
    if (this.#producer === null) throw new NotConnectedError()
    if (this.#settings.newTopics !== undefined) {
      for (const topic of new Set(records.map(({ topic }) => topic))) await this.#createTopic(topic)
    }
    this.#turn++
    const turn = this.#turn
    // In order: a cluster rejects a record batch that is too large, and the records of one partition form one batch.
    for (const group of groupsOf(records, this.#settings.maxBytes.value)) {
      await this.#sendTogether(group, turn, partitions)
    }
  }

  async #sendTogether(records: Record_[], turn: number, partitions: Map<Record_, number> | undefined): Promise<void> {
    const producer = this.#producer
    if (producer === null) throw new NotConnectedError()
    const sent: SendOptions<Buffer, Buffer, Buffer, Buffer> = {
      messages: records,
      acks: this.#settings.acks,
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
      // After losing its connection a client may restart its sequence numbers under the same producer id; the cluster
      // would take the new records for duplicates and drop them. So the client is not reused.
      if (this.#producer === producer) {
        this.#producer = null
        void producer.close(true).catch(() => undefined)
      }
      throw new NotConnectedError(error)
    }
    if (this.#producer !== producer && !this.#closed)
      throw new NotConnectedError(new Error('the connection was lost while the batch was on its way'))
  }

  /** Determines which records the cluster has stored although it refused others of the same request. */
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
    const { topic, key, partition, headersOf, maxBytes } = this.#settings
    const message = batch[index]!
    const record: Record_ = {
      topic: topic.static ?? evaluated('topic', () => topic.eval(batch, index)),
      value: asBuffer(message.bytes()),
    }
    if (key !== undefined) {
      const bytes = asBuffer(evaluated('key', () => key.evalBytes(batch, index)))
      if (bytes.length > 0 || this.#settings.keepsEmptyKeys) record.key = bytes
    }
    if (partition !== undefined)
      record.partition = parsePartition(evaluated('partition', () => partition.eval(batch, index)))
    const headers = headersOf(message)
    if (headers !== undefined) record.headers = headers
    const sizeBytes = sizeOf(record)
    if (sizeBytes > maxBytes.value) {
      throw new Error(`a message of ${sizeBytes} bytes is larger than ${maxBytes.field}, which is ${maxBytes.value}`)
    }
    return record
  }

  #partition(message: Record_, key: Buffer | undefined, turn: number): number {
    if (message.partition !== undefined) return message.partition
    switch (this.#settings.partitioner) {
      case 'round_robin':
        return this.#turn++ & 0x7fffffff
      case 'random':
        return Math.floor(this.#random() * 0x7fffffff)
      // The library takes the remainder by the number of partitions. Records without a key go to one partition per
      // batch, so that a batch stays one record batch on the wire.
      case 'fnv1a':
        return key === undefined ? turn & 0x7fffffff : Math.abs(fnv1a(key))
      case 'murmur2':
        return key === undefined ? turn & 0x7fffffff : murmur2(key) & 0x7fffffff
    }
  }
}

/** Of key and value together. */
function sizeOf({ key, value }: Record_): number {
  return (key?.length ?? 0) + (value?.length ?? 0)
}

/**
 * Groups records in order, so that the keys and values of each group total at most `maxBytes`. A larger record forms a
 * group of its own.
 */
function groupsOf(records: Record_[], maxBytes: number): Record_[][] {
  const groups: Record_[][] = []
  let group: Record_[] = []
  let groupBytes = 0
  for (const record of records) {
    const bytes = sizeOf(record)
    if (group.length > 0 && groupBytes + bytes > maxBytes) {
      groups.push(group)
      group = []
      groupBytes = 0
    }
    group.push(record)
    groupBytes += bytes
  }
  groups.push(group)
  return groups
}

function parsePartition(text: string): number {
  if (!/^\d{1,9}$/.test(text.trim())) throw new Error(`failed to parse partition: '${text}' is not a number`)
  return Number(text)
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** The cluster refused records permanently, so the connection itself is fine. */
class RefusedError extends Error {
  constructor(cause: unknown) {
    super(explained(cause).message, { cause })
    this.name = 'RefusedError'
  }
}

/** Errors of the producer or its transaction, not of the records: another producer may succeed in sending them. */
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

/** `topic:partition` of the partitions whose records the cluster stored, as far as a failed request tells. */
function deliveredPartitions(error: unknown): ReadonlySet<string> {
  const delivered = new Set<string>()
  // The library declares neither: `produced` is what other brokers stored, `response` the response of one that refused.
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

const topicExists = 'TOPIC_ALREADY_EXISTS'

async function createTopic(
  { clientId, bootstrapBrokers, tls, sasl }: KafkaProducerOptions,
  topic: string,
  { partitions, replicas }: NonNullable<KafkaOutputSettings['newTopics']>,
): Promise<void> {
  const admin = new Admin({ clientId, bootstrapBrokers, retries: 1, ...(tls && { tls }), ...(sasl && { sasl }) })
  try {
    await admin.createTopics({ topics: [topic], partitions, replicas })
  } catch (error) {
    if (!isExisting(error))
      throw new Error(`failed to create topic '${topic}': ${explained(error).message}`, { cause: error })
  } finally {
    await closeQuietly(admin)
  }
}

function isExisting(error: unknown): boolean {
  if (error instanceof ProtocolError) return error.apiId === topicExists
  return error instanceof MultipleErrors && error.errors.length > 0 && error.errors.every(isExisting)
}

/** The 32-bit FNV-1a hash, as a signed integer. */
function fnv1a(bytes: Uint8Array): number {
  let hash = 0x811c9dc5
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash | 0
}

/** Rejects once the signal aborts. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(asError(signal.reason)), { once: true })
  })
}
