import { Buffer } from 'node:buffer'
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
  sendAll,
  type Settle,
  throwOutcomes,
} from '../../engine/index.ts'
import { type AmqpConnect, amqpConnector, clientFields, securityFields } from './client.ts'
import type { Returned } from './frames.ts'
import type { AmqpSession } from './session.ts'
import { encodeProperties, type FieldValue, type Properties } from './wire.ts'

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
  needs: ['network'],
  create: (options, resources) => new AmqpOutput(options, resources),
})

interface Outgoing {
  readonly exchange: string
  readonly key: string
  readonly content: Uint8Array
  /** Encoded. */
  readonly properties: Uint8Array
}

/** A mandatory message that the server has not confirmed yet. */
interface Pending extends Outgoing {
  /** Why the server returned it, which arrives before its confirmation. */
  returned: string | null
}

class AmqpOutput implements Output {
  readonly #options: Infer<typeof config>
  readonly #connect: AmqpConnect
  readonly #excluded: readonly string[]
  /** Properties that all messages share, and the same encoded. */
  readonly #fixed: Properties
  readonly #fixedBytes: Uint8Array
  /** Properties that are evaluated for each message. */
  readonly #varying: readonly (typeof propertyFields)[number][]
  #channel: PublishingChannel | null = null

  constructor(options: Infer<typeof config>, resources: Resources) {
    if (options.immediate) {
      throw new ConfigError('immediate must be false: RabbitMQ closes connections that ask for it; see `mandatory`')
    }
    this.#options = options
    this.#connect = amqpConnector(options, resources)
    this.#excluded = options.metadata?.exclude_prefixes ?? []
    // An invalid priority fails each message, as in the original, not the start.
    const isFixed = (field: PropertyField) =>
      options[field].static === '' || (options[field].static !== null && field !== 'priority')
    this.#varying = propertyFields.filter(([, field]) => !isFixed(field))
    this.#fixed = {
      deliveryMode: options.persistent ? 2 : 1,
      ...Object.fromEntries(
        propertyFields
          .filter(([, field]) => isFixed(field))
          .map(([name, field]) => [name, propertyOf(field, options[field].static!)]),
      ),
    }
    this.#fixedBytes = encodeProperties(this.#fixed)
  }

  async connect(signal: AbortSignal): Promise<void> {
    // Writes that were in flight together each report the loss, some of them after the engine has reconnected.
    if (this.#channel?.isOpen === true) return
    await this.close()
    const channel = await PublishingChannel.open(this.#connect, this.#options, signal)
    this.#channel = channel
    const { static: exchange } = this.#options.exchange
    if (exchange !== null) await channel.declare(exchange)
  }

  async write(batch: Batch): Promise<void> {
    throwOutcomes(batch, await sendAll(batch.length, (index, settle) => this.#send(batch, index, settle)))
  }

  writeRun(run: readonly Message[]): Promise<readonly (Error | null)[]> {
    return sendAll(run.length, (index, settle) => this.#send([run[index]!], 0, settle))
  }

  async close(): Promise<void> {
    const channel = this.#channel
    this.#channel = null
    await channel?.close()
  }

  #send(batch: Batch, index: number, settle: Settle): void {
    try {
      if (this.#channel === null) return settle(new NotConnectedError())
      const { exchange, key } = this.#options
      this.#channel.publish(
        {
          exchange: evaluated('exchange name', () => exchange.eval(batch, index)),
          key: evaluated('binding key', () => key.eval(batch, index)).replaceAll('/', '.'),
          content: batch[index]!.bytes(),
          properties: this.#propertiesOf(batch, index),
        },
        settle,
      )
    } catch (error) {
      settle(asError(error))
    }
  }

  #propertiesOf(batch: Batch, index: number): Uint8Array {
    const headers = this.#headersOf(batch[index]!)
    if (headers === undefined && this.#varying.length === 0) return this.#fixedBytes
    const found: Record<string, unknown> = { ...this.#fixed, headers }
    for (const [name, field, what] of this.#varying) {
      const text = evaluated(what, () => this.#options[field].eval(batch, index))
      found[name] = propertyOf(field, text)
    }
    return encodeProperties(found)
  }

  /** Undefined if there are none. */
  #headersOf({ metadata }: Message): Record<string, FieldValue> | undefined {
    let headers: Record<string, FieldValue> | undefined
    for (const [key, value] of metadata) {
      if (this.#excluded.some(prefix => key.startsWith(prefix))) continue
      headers ??= {}
      headers[key.replaceAll('_', '-')] = headerOf(value)
    }
    return headers
  }
}

/** Interpolated properties: the name of the library, the field, and how error messages call it. */
const propertyFields = [
  ['contentType', 'content_type', 'content type'],
  ['contentEncoding', 'content_encoding', 'content encoding'],
  ['type', 'type', 'msg type'],
  ['priority', 'priority', 'priority'],
  ['correlationId', 'correlation_id', 'correlation ID'],
  ['replyTo', 'reply_to', 'reply to'],
  ['expiration', 'expiration', 'expiration'],
  ['messageId', 'message_id', 'message ID'],
  ['userId', 'user_id', 'user ID'],
  ['appId', 'app_id', 'app ID'],
] as const

type PropertyField = (typeof propertyFields)[number][1]

/** Undefined omits the property. Throws if the text is not valid for it. */
function propertyOf(field: PropertyField, text: string): string | number | undefined {
  if (text === '') return undefined
  if (field === 'priority') return priorityOf(text)
  return field === 'type' ? text.replaceAll('/', '.') : text
}

/** A session whose messages are confirmed. */
class PublishingChannel {
  readonly #session: AmqpSession
  readonly #options: Infer<typeof config>
  readonly #pending: Set<Pending>
  readonly #declared = new Map<string, Promise<void>>()

  private constructor(session: AmqpSession, options: Infer<typeof config>, pending: Set<Pending>) {
    this.#session = session
    this.#options = options
    this.#pending = pending
  }

  static async open(
    connect: AmqpConnect,
    options: Infer<typeof config>,
    signal: AbortSignal,
  ): Promise<PublishingChannel> {
    const pending = new Set<Pending>()
    const session = await connect({ returned: message => markReturned(pending, message) }, signal)
    const channel = new PublishingChannel(session, options, pending)
    await session.confirmMessages()
    return channel
  }

  get isOpen(): boolean {
    return this.#session.isOpen
  }

  close(): Promise<void> {
    return this.#session.close()
  }

  /** Declares an exchange once per channel, if configured. */
  async declare(exchange: string): Promise<void> {
    const { exchange_declare: declare } = this.#options
    if (declare?.enabled !== true) return
    const { type, durable } = declare
    let declaring = this.#declared.get(exchange)
    if (declaring === undefined) {
      declaring = this.#session.declareExchange(exchange, type, { durable })
      this.#declared.set(exchange, declaring)
    }
    try {
      await declaring
    } catch (error) {
      throw new Error(`amqp failed to declare exchange: ${messageOf(error)}`, { cause: error })
    }
  }

  /** Publishes a message and settles it once the server has confirmed it. Throws if the protocol does not allow it. */
  publish(message: Outgoing, settle: Settle): void {
    if (!this.isOpen) return settle(new NotConnectedError())
    const { exchange } = message
    if (this.#options.exchange_declare?.enabled !== true || this.#declared.has(exchange)) {
      return this.#publish(message, settle)
    }
    this.declare(exchange)
      .then(() => this.#publish(message, settle))
      .catch((error: unknown) => settle(asError(error)))
  }

  #publish(message: Outgoing, settle: Settle): void {
    const { mandatory, timeout } = this.#options
    const { exchange, key, properties, content } = message
    const pending: Pending | null = mandatory ? { ...message, returned: null } : null
    let timer: NodeJS.Timeout | undefined
    let isSettled = false
    const end = (error: Error | null) => {
      if (isSettled) return // confirmed after its timeout
      isSettled = true
      clearTimeout(timer)
      if (pending !== null) this.#pending.delete(pending)
      settle(error)
    }
    this.#session.publish({ exchange, key, mandatory }, properties, content, error => {
      if (error !== null) end(this.#failure(error))
      else end(pending === null ? null : returnedError(pending))
    })
    if (pending !== null) this.#pending.add(pending)
    if (timeout === undefined) return
    timer = setTimeout(() => end(new Error(`the server did not confirm a message within ${timeout} ms`)), timeout)
  }

  /** The error of a message that was not confirmed. */
  #failure(error: Error): Error {
    // The server closes the channel on an error. The next write finds it closed, and the engine reconnects.
    const isRefused = this.isOpen || this.#session.refusal !== null
    if (!isRefused) return new NotConnectedError(error)
    return new Error(`failed to receive acknowledgement: ${error.message}`, { cause: error })
  }
}

/** Among messages with the same content and route the oldest is chosen: none of them reaches a queue. */
function markReturned(all: Iterable<Pending>, { reason, exchange, routingKey, content }: Returned): void {
  for (const pending of all) {
    if (pending.returned !== null || pending.exchange !== exchange || pending.key !== routingKey) continue
    if (Buffer.compare(pending.content, content) !== 0) continue
    pending.returned = reason
    return
  }
}

function returnedError({ returned }: Pending): Error | null {
  return returned === null ? null : new Error(`failed to receive acknowledgement: ${returned}`)
}

/** Numbers, booleans and bytes have types of their own in AMQP; everything else is text. */
function headerOf(value: Value): FieldValue {
  if (typeof value === 'boolean' || typeof value === 'number') return value
  if (typeof value === 'bigint' && Number.isSafeInteger(Number(value))) return Number(value)
  return value instanceof Uint8Array ? value : textOfMetadata(value)
}

function priorityOf(text: string): number {
  if (!/^[+-]?\d+$/.test(text)) {
    throw new Error(`failed to parse valid integer from priority expression: ${JSON.stringify(text)}`)
  }
  const priority = Number(text)
  if (priority < 0 || priority > 9) {
    throw new Error(`invalid priority parsed from expression, must be <= 9 and >= 0, got ${priority}`)
  }
  return priority
}
