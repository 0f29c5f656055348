import { Buffer } from 'node:buffer'
import type { ChannelModel, ConfirmChannel, Message as Returned, Options } from 'amqplib'
import { asError, messageOf } from '../../base/index.ts'
import { textOfMetadata, type Value } from '../../bloblang/index.ts'
import {
  type Batch,
  ConfigError,
  defineOutput,
  evaluated,
  field,
  type Infer,
  maxInFlightField,
  type Message,
  NotConnectedError,
  type Output,
  type Resources,
  throwOutcomes,
} from '../../engine/index.ts'
import { amqpConnector, clientFields, securityFields } from './client.ts'

/** A message property set by an interpolation, and omitted if empty. */
const property = (text: string) => field.interpolated(text).default('').advanced()

const config = field.object({
  ...clientFields,
  exchange: field.interpolated('The exchange to publish to.'),
  exchange_declare: field
    .object(
      {
        enabled: field.bool('Whether the exchange is declared.').default(false).advanced(),
        type: field
          .string('The type of the exchange.')
          .options({
            direct: 'Routes to queues whose binding key equals the routing key of a message.',
            fanout: 'Routes to all bound queues.',
            topic: 'Routes to queues whose binding key, a pattern, matches.',
            'x-custom': 'A type provided by a plug-in.',
          })
          .default('direct')
          .advanced(),
        durable: field.bool('Whether the exchange survives a restart of the server.').default(true).advanced(),
      },
      'Declares the exchange: it is created if it does not exist, and must have these settings if it does.',
    )
    .optional()
    .advanced(),
  key: field.interpolated('The routing key; `/` in it becomes `.`.').default(''),
  type: field.interpolated('The type of a message; `/` in it becomes `.`.').default(''),
  content_type: field.interpolated('The content type.').default('application/octet-stream').advanced(),
  content_encoding: property('The content encoding.'),
  correlation_id: property('The correlation id.'),
  reply_to: property('The queue for a reply.'),
  expiration: property('The expiration of the message, in milliseconds.'),
  message_id: property('The id of the message.'),
  user_id: property('The user id of the sender, which must be the user of the connection.'),
  app_id: property('The name of the application.'),
  metadata: field
    .object(
      { exclude_prefixes: field.string('Prefixes of metadata keys to exclude.').list().default([]) },
      'Which metadata becomes headers, with `-` for `_`.',
    )
    .optional(),
  priority: property('The priority, from 0 to 9.').examples(
    '0',
    '${! metadata("amqp_priority") }',
    '${! json("doc.priority") }',
  ),
  max_in_flight: maxInFlightField(64),
  persistent: field.bool('Whether the server stores messages on disk.').default(false).advanced(),
  mandatory: field.bool('Whether a message that reaches no queue fails.').default(false).advanced(),
  immediate: field.bool('Must be false: RabbitMQ no longer supports it.').default(false).advanced(),
  timeout: field
    .duration('How long the server may take to confirm a message before it is resent; no limit if empty.')
    .default('')
    .advanced(),
  ...securityFields,
})

export default defineOutput({
  name: 'amqp_0_9',
  status: 'stable',
  categories: ['Services'],
  summary: 'Publishes messages to an exchange of an AMQP 0.9.1 server, such as RabbitMQ.',
  description: `A message is delivered once the server has confirmed it. The fields \`exchange\`, \`key\` and \`type\` and the properties are interpolated for each message.

Connections to \`amqps://\` are encrypted, and so are those to \`amqp://\` with \`tls.enabled\`. Without a user in the URL, \`tls\` authenticates with the client certificate.`,
  config,
  requires: ['amqplib'],
  needs: ['network'],
  create: (options, resources) => new AmqpOutput(options, resources),
})

/** A message that the server has not confirmed yet. */
interface Pending {
  readonly exchange: string
  readonly key: string
  readonly content: Buffer
  /** Why the server returned it, which arrives before its confirmation. */
  returned: string | null
}

class AmqpOutput implements Output {
  readonly #options: Infer<typeof config>
  readonly #resources: Resources
  readonly #connect: () => Promise<ChannelModel>
  readonly #excluded: readonly string[]
  #connection: ChannelModel | null = null
  #channel: PublishingChannel | null = null

  constructor(options: Infer<typeof config>, resources: Resources) {
    if (options.immediate) {
      throw new ConfigError('immediate must be false: RabbitMQ closes connections that ask for it; see `mandatory`')
    }
    this.#options = options
    this.#resources = resources
    this.#connect = amqpConnector(options, resources)
    this.#excluded = options.metadata?.exclude_prefixes ?? []
  }

  async connect(): Promise<void> {
    // Writes that were in flight together each report the loss, some of them after the engine has reconnected.
    if (this.#channel?.isOpen === true) return
    await this.close()
    const connection = await this.#connect()
    this.#connection = connection
    const channel = new PublishingChannel(connection, await connection.createConfirmChannel(), this.#options)
    this.#channel = channel
    const { static: exchange } = this.#options.exchange
    if (exchange !== null) await channel.declare(exchange)
  }

  async write(batch: Batch): Promise<void> {
    const outcomes = await Promise.all(batch.map((_, index) => this.#outcome(batch, index)))
    throwOutcomes(batch, outcomes)
  }

  writeRun(run: readonly Message[]): Promise<readonly (Error | null)[]> {
    return Promise.all(run.map(message => this.#outcome([message], 0)))
  }

  async close(): Promise<void> {
    const connection = this.#connection
    this.#connection = null
    this.#channel = null
    // Closing a connection that the server has already closed rejects, and needs no further handling.
    await connection?.close().catch((error: unknown) => this.#resources.log.debug(messageOf(error)))
  }

  async #outcome(batch: Batch, index: number): Promise<Error | null> {
    try {
      if (this.#channel === null) return new NotConnectedError()
      const { exchange, key } = this.#options
      await this.#channel.publish(
        evaluated('exchange name', () => exchange.eval(batch, index)),
        evaluated('binding key', () => key.eval(batch, index)).replaceAll('/', '.'),
        batch[index]!.bytes(),
        this.#properties(batch, index),
      )
      return null
    } catch (error) {
      return asError(error)
    }
  }

  #properties(batch: Batch, index: number): Options.Publish {
    const options = this.#options
    const text = (what: string, name: PropertyField) => {
      const value = evaluated(what, () => options[name].eval(batch, index))
      return value === '' ? undefined : value
    }
    return {
      headers: this.#headers(batch[index]!),
      contentType: text('content type', 'content_type'),
      contentEncoding: text('content encoding', 'content_encoding'),
      type: text('msg type', 'type')?.replaceAll('/', '.'),
      priority: priorityOf(text('priority', 'priority')),
      correlationId: text('correlation ID', 'correlation_id'),
      replyTo: text('reply to', 'reply_to'),
      expiration: text('expiration', 'expiration'),
      messageId: text('message ID', 'message_id'),
      userId: text('user ID', 'user_id'),
      appId: text('app ID', 'app_id'),
      deliveryMode: options.persistent ? 2 : 1,
      mandatory: options.mandatory,
    }
  }

  #headers({ metadata }: Message): Record<string, unknown> {
    const headers: Record<string, unknown> = {}
    for (const [key, value] of metadata) {
      if (!this.#excluded.some(prefix => key.startsWith(prefix))) headers[key.replaceAll('_', '-')] = headerOf(value)
    }
    return headers
  }
}

type PropertyField =
  | 'content_type'
  | 'content_encoding'
  | 'type'
  | 'priority'
  | 'correlation_id'
  | 'reply_to'
  | 'expiration'
  | 'message_id'
  | 'user_id'
  | 'app_id'

/** A channel with publisher confirms. */
class PublishingChannel {
  readonly #channel: ConfirmChannel
  readonly #options: Infer<typeof config>
  readonly #pending = new Set<Pending>()
  readonly #declared = new Map<string, Promise<unknown>>()
  /** Why the server closed the channel, for example because an exchange does not exist. */
  #refusal: Error | null = null
  #isOpen = true

  constructor(connection: ChannelModel, channel: ConfirmChannel, options: Infer<typeof config>) {
    this.#channel = channel
    this.#options = options
    channel.on('error', error => (this.#refusal = asError(error)))
    channel.on('close', () => (this.#isOpen = false))
    connection.on('close', () => (this.#isOpen = false))
    channel.on('return', returned => this.#return(returned))
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Declares an exchange once per channel, if configured. */
  async declare(exchange: string): Promise<void> {
    const { exchange_declare: declare } = this.#options
    if (declare?.enabled !== true) return
    const { type, durable } = declare
    let declaring = this.#declared.get(exchange)
    if (declaring === undefined) {
      declaring = this.#channel.assertExchange(exchange, type, { durable })
      this.#declared.set(exchange, declaring)
    }
    try {
      await declaring
    } catch (error) {
      throw new Error(`amqp failed to declare exchange: ${messageOf(error)}`, { cause: error })
    }
  }

  /** Resolves once the server has confirmed the message. */
  async publish(exchange: string, key: string, bytes: Uint8Array, properties: Options.Publish): Promise<void> {
    if (!this.#isOpen) throw new NotConnectedError()
    if (!this.#declared.has(exchange) && this.#options.exchange_declare?.enabled === true) await this.declare(exchange)
    const content = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    const pending: Pending = { exchange, key, content, returned: null }
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    if (properties.mandatory === true) this.#pending.add(pending)
    const { timeout } = this.#options
    const timer =
      timeout === undefined
        ? undefined
        : setTimeout(() => reject(new Error(`the server did not confirm a message within ${timeout} ms`)), timeout)
    this.#channel.publish(exchange, key, content, properties, resolve)
    try {
      const error = await promise
      // Evaluated here rather than in the callback: the library calls back before it reports that the channel is
      // closed, and why.
      if (error !== null && error !== undefined) throw this.#failure(error)
      if (pending.returned !== null) throw new Error(`failed to receive acknowledgement: ${pending.returned}`)
    } finally {
      clearTimeout(timer)
      this.#pending.delete(pending)
    }
  }

  /** The error of a message that was not confirmed. */
  #failure(error: unknown): Error {
    if (this.#isOpen) return new Error(`failed to receive acknowledgement: ${messageOf(error)}`, { cause: error })
    // The server closes the channel on an error. The next write finds it closed, and the engine reconnects.
    if (this.#refusal !== null) return new Error(`failed to receive acknowledgement: ${this.#refusal.message}`)
    return new NotConnectedError(error)
  }

  /** Among messages with the same content and route the oldest is chosen: none of them reaches a queue. */
  #return({ content, fields }: Returned): void {
    for (const pending of this.#pending) {
      if (pending.returned !== null || pending.exchange !== fields.exchange || pending.key !== fields.routingKey)
        continue
      if (!pending.content.equals(content)) continue
      pending.returned = 'replyText' in fields ? String(fields.replyText) : 'the message was returned'
      return
    }
  }
}

/** Numbers, booleans and bytes have types of their own in AMQP; everything else is text. */
function headerOf(value: Value): unknown {
  if (typeof value === 'boolean' || typeof value === 'number') return value
  if (typeof value === 'bigint' && Number.isSafeInteger(Number(value))) return Number(value)
  return value instanceof Uint8Array ? Buffer.from(value) : textOfMetadata(value)
}

function priorityOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^[+-]?\d+$/.test(text)) {
    throw new Error(`failed to parse valid integer from priority expression: ${JSON.stringify(text)}`)
  }
  const priority = Number(text)
  if (priority < 0 || priority > 9) {
    throw new Error(`invalid priority parsed from expression, must be <= 9 and >= 0, got ${priority}`)
  }
  return priority
}
