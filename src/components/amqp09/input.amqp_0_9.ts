import { messageOf } from '../../base/index.ts'
import { compileRe2, formatFloat, type Re2, type Value } from '../../bloblang/index.ts'
import {
  Arrivals,
  ConfigError,
  defineInput,
  deliverEach,
  type Delivery,
  field,
  type Infer,
  type Input,
  Message,
  type Resources,
} from '../../engine/index.ts'
import { type AmqpConnect, amqpConnector, clientFields, securityFields } from './client.ts'
import type { Received } from './frames.ts'
import type { AmqpSession } from './session.ts'
import type { FieldValue, Properties } from './wire.ts'

const config = field.object({
  ...clientFields,
  queue: field.string('The queue to consume from.'),
  queue_declare: field
    .object(
      {
        enabled: field.bool('Whether the queue is declared.').default(false).advanced(),
        durable: field.bool('Whether the queue survives a restart of the server.').default(true).advanced(),
        auto_delete: field.bool('Whether the queue is deleted with its last consumer.').default(false).advanced(),
      },
      'Declares the queue: it is created if it does not exist, and must have these settings if it does.',
    )
    .optional()
    .advanced(),
  bindings_declare: field
    .object(
      {
        exchange: field.string('The name of the exchange.').default('').advanced(),
        key: field.string('The binding key.').default('').advanced(),
      },
      'Binds the queue to exchanges.',
    )
    .list()
    .optional()
    .advanced()
    .examples([{ exchange: 'foo', key: 'bar' }]),
  consumer_tag: field.string('The consumer tag; if empty, the server chooses one.').default(''),
  auto_ack: field
    .bool(
      'Whether messages are acknowledged when they arrive: this is faster, but messages in flight are lost with the program.',
    )
    .default(false)
    .advanced(),
  nack_reject_patterns: field
    .string(
      'Regular expressions: a message whose error matches one of them is rejected, so that the server drops it or dead-letters it. Other failed messages are requeued.',
    )
    .list()
    .default([])
    .advanced()
    .examples(['^reject me please:.+$']),
  prefetch_count: field.int('The maximum number of unacknowledged messages; 0 means no limit.').default(10),
  prefetch_size: field.int('Must be 0: RabbitMQ counts messages, not bytes.').default(0).advanced(),
  ...securityFields,
})

export default defineInput({
  name: 'amqp_0_9',
  status: 'stable',
  categories: ['Services'],
  summary: 'Consumes a queue of an AMQP 0.9.1 server, such as RabbitMQ.',
  description: `Connections to \`amqps://\` are encrypted, and so are those to \`amqp://\` with \`tls.enabled\`. Without a user in the URL, \`tls\` authenticates with the client certificate.

Metadata of each message: \`amqp_content_type\`, \`amqp_content_encoding\`, \`amqp_delivery_mode\`, \`amqp_priority\`, \`amqp_correlation_id\`, \`amqp_reply_to\`, \`amqp_expiration\`, \`amqp_message_id\`, \`amqp_timestamp\`, \`amqp_type\`, \`amqp_user_id\`, \`amqp_app_id\`, \`amqp_consumer_tag\`, \`amqp_delivery_tag\`, \`amqp_redelivered\`, \`amqp_exchange\`, \`amqp_routing_key\`, as far as the message has them, and its headers with \`_\` for \`-\`; the names of nested headers are joined by \`_\`.`,
  config,
  needs: ['network'],
  create: (options, resources) => new AmqpInput(options, resources),
})

/** The largest prefetch count that the protocol allows. */
const maxPrefetch = 65_535

class AmqpInput implements Input {
  readonly #options: Infer<typeof config>
  readonly #resources: Resources
  readonly #rejecting: readonly Re2[]
  readonly #connect: AmqpConnect
  readonly #arrivals = new Arrivals<Received>()
  /** Null when closed: its messages can no longer be acknowledged, and the server redelivers them. */
  #consumer: Consumer | null = null

  constructor(options: Infer<typeof config>, resources: Resources) {
    const { prefetch_count: count, prefetch_size: size, nack_reject_patterns: patterns } = options
    if (size !== 0) throw new ConfigError(`prefetch_size must be 0, not ${size}: RabbitMQ does not limit by bytes`)
    if (count < 0 || count > maxPrefetch) {
      throw new ConfigError(`prefetch_count must be between 0 and ${maxPrefetch}, not ${count}`)
    }
    this.#options = options
    this.#resources = resources
    this.#connect = amqpConnector(options, resources)
    this.#rejecting = patterns.map(pattern => {
      try {
        return compileRe2(pattern)
      } catch (error) {
        throw new ConfigError(`failed to compile nack reject pattern: ${messageOf(error)}`, { cause: error })
      }
    })
  }

  async connect(signal: AbortSignal): Promise<void> {
    await this.close()
    this.#arrivals.reset()
    let consumer: Consumer | null = null
    let isConsuming = false
    const lose = (cause: Error) => {
      // A refused consumer rejects `connect`, which the engine logs.
      if (isConsuming && consumer?.session.refusal) this.#resources.log.error(`AMQP channel closed: ${cause.message}`)
      if (consumer !== null) this.#lose(consumer, cause)
    }
    const session = await this.#connect(
      {
        received: message => this.#arrivals.put(message),
        cancelled: () => lose(new Error('the server cancelled the consumer; the queue may have been deleted')),
        lost: lose,
      },
      signal,
    )
    consumer = new Consumer(session)
    this.#consumer = consumer
    await this.#consume(session)
    isConsuming = true
  }

  async read(signal: AbortSignal): Promise<Delivery | null> {
    const { prefetch_count: count, auto_ack: isAutomatic } = this.#options
    const arrived = await this.#arrivals.take(count === 0 ? maxPrefetch : count, signal)
    if (arrived === null) return null
    const consumer = this.#consumer
    if (isAutomatic) consumer?.accept(arrived)
    const sources = new Map(arrived.map(each => [messageFrom(each), each]))
    return deliverEach([...sources.keys()], (settled, error) => {
      if (isAutomatic || consumer === null || consumer !== this.#consumer) return
      const deliveries = settled.map(message => sources.get(message)!)
      if (error === null) consumer.accept(deliveries)
      else consumer.reject(deliveries, !this.#rejecting.some(pattern => pattern.test(error.message)))
    })
  }

  async close(): Promise<void> {
    const consumer = this.#consumer
    this.#consumer = null
    await consumer?.session.close()
  }

  async #consume(session: AmqpSession): Promise<void> {
    const { queue, queue_declare: declare, bindings_declare: bindings = [], ...options } = this.#options
    if (declare?.enabled === true) {
      const settings = { durable: declare.durable, autoDelete: declare.auto_delete }
      await explained('queue Declare', session.declareQueue(queue, settings))
    }
    for (const { exchange, key } of bindings) {
      await explained('queue Bind', session.bindQueue(queue, exchange, key))
    }
    const { prefetch_count: count, consumer_tag: consumerTag } = options
    // Messages are acknowledged when they are read even with `auto_ack`, so that the server sends no more than are
    // wanted.
    await explained('qos', session.prefetch(count === 0 ? maxPrefetch : count))
    await explained('queue Consume', session.consume(queue, consumerTag))
  }

  #lose(consumer: Consumer, cause: Error): void {
    if (this.#consumer !== consumer) return
    this.#consumer = null
    this.#arrivals.fail(cause)
    // A server that only cancelled the consumer redelivers its messages once the channel is closed.
    void consumer.session.close()
  }
}

/** Settles the deliveries of a session. Those that are accepted when all earlier ones are settled share one frame. */
class Consumer {
  readonly session: AmqpSession
  /** Deliveries are numbered from 1. All up to this one are settled. */
  #settledUpTo = 0
  /** Settled after one that is not; at most as many as the prefetch count. */
  readonly #settled = new Set<number>()

  constructor(session: AmqpSession) {
    this.session = session
  }

  accept(deliveries: readonly Received[]): void {
    this.#settle(deliveries)
    let last = 0
    for (const { deliveryTag } of deliveries) {
      if (deliveryTag > this.#settledUpTo) this.session.ack(deliveryTag)
      else if (deliveryTag > last) last = deliveryTag
    }
    // Only a delivery that is not settled yet may be named, so that it is the last of these.
    if (last > 0) this.session.ack(last, true)
  }

  reject(deliveries: readonly Received[], requeue: boolean): void {
    this.#settle(deliveries)
    for (const { deliveryTag } of deliveries) this.session.nack(deliveryTag, requeue)
  }

  #settle(deliveries: readonly Received[]): void {
    for (const { deliveryTag } of deliveries) this.#settled.add(deliveryTag)
    while (this.#settled.delete(this.#settledUpTo + 1)) this.#settledUpTo++
  }
}

async function explained<T>(what: string, answer: PromiseLike<T>): Promise<T> {
  try {
    return await answer
  } catch (error) {
    throw new Error(`${what}: ${messageOf(error)}`, { cause: error })
  }
}

/** Metadata of each message: the key, and the property or the field of the delivery. */
const propertyKeys = [
  ['amqp_content_type', 'contentType'],
  ['amqp_content_encoding', 'contentEncoding'],
  ['amqp_delivery_mode', 'deliveryMode'],
  ['amqp_correlation_id', 'correlationId'],
  ['amqp_reply_to', 'replyTo'],
  ['amqp_expiration', 'expiration'],
  ['amqp_message_id', 'messageId'],
  ['amqp_timestamp', 'timestamp'],
  ['amqp_type', 'type'],
  ['amqp_user_id', 'userId'],
  ['amqp_app_id', 'appId'],
] as const satisfies readonly (readonly [string, keyof Properties])[]
const fieldKeys = [
  ['amqp_consumer_tag', 'consumerTag'],
  ['amqp_delivery_tag', 'deliveryTag'],
  ['amqp_redelivered', 'redelivered'],
  ['amqp_exchange', 'exchange'],
  ['amqp_routing_key', 'routingKey'],
] as const

function messageFrom(received: Received): Message {
  const { content, properties } = received
  const metadata = new Map<string, Value>()
  if (properties.headers !== undefined) {
    for (const [key, value] of Object.entries(properties.headers)) setMetadata(metadata, key, value)
  }
  metadata.set('amqp_priority', String(properties.priority ?? 0))
  for (const [key, name] of propertyKeys) setText(metadata, key, properties[name])
  for (const [key, name] of fieldKeys) setText(metadata, key, received[name])
  return Message.fromBytes(content, metadata)
}

/** Metadata is text, as in the original; empty values are omitted. */
function setMetadata(metadata: Map<string, Value>, name: string, value: FieldValue): void {
  const key = name.replaceAll('-', '_')
  if (typeof value !== 'object' || value === null) return setText(metadata, key, value)
  if (value instanceof Date) return setText(metadata, key, value.toISOString().replace('.000Z', 'Z'))
  if (value instanceof Uint8Array) return setText(metadata, key, Buffer.from(value).toString('utf8'))
  for (const [inner, each] of Object.entries(value)) setMetadata(metadata, `${key}_${inner}`, each)
}

function setText(metadata: Map<string, Value>, key: string, value: Scalar): void {
  const text = typeof value === 'string' ? value : textOf(value)
  if (text !== '') metadata.set(key, text)
}

type Scalar = string | number | bigint | boolean | null | undefined

function textOf(value: Scalar): string {
  if (typeof value === 'number') return formatFloat(value, 'f', -1)
  return value === null || value === undefined ? '' : String(value)
}
