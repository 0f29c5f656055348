import type { Delivery as AmqpDelivery, EventContext, Message as AmqpMessage, Receiver } from 'rhea'
import type { Value } from '../../bloblang/index.ts'
import {
  Arrivals,
  defineInput,
  deliverEach,
  type Delivery,
  durationText,
  field,
  type Infer,
  type Input,
  isClosing,
  Message,
  type Resources,
} from '../../engine/index.ts'
import { type AmqpConnection, amqpConnector, clientFields, lintUrls, securityFields, securityHelp } from './client.ts'
import { LockRenewal } from './lock-renewal.ts'
import { limitMessages, maxMessageBytes } from './message-limit.ts'
import { ReceiverCredit } from './receiver-credit.ts'
import { bodyOf } from './values.ts'

const config = field
  .object({
    ...clientFields,
    source_address: field.string('The address to consume from.').examples('/foo', 'queue:/bar', 'topic:/baz'),
    azure_renew_lock: field
      .bool(
        'Whether to renew the Azure Service Bus lock of a message while it is in flight; otherwise a message that outlasts its lock is redelivered.',
      )
      .default(false)
      .advanced(),
    read_header: field.bool('Whether the header of a message becomes metadata as well.').default(false).advanced(),
    credit: field
      .int('The maximum number of unacknowledged messages; at this limit the server sends no more.')
      .lint(value => (Number(value) < 1 ? 'credit must be at least 1' : undefined))
      .default(64)
      .advanced(),
    ...securityFields,
  })
  .lint(lintUrls)

export default defineInput({
  name: 'amqp_1',
  status: 'stable',
  categories: ['Services'],
  summary: 'Receives messages from an AMQP 1.0 server, such as RabbitMQ, ActiveMQ or Azure Service Bus.',
  description: `The body of a message is its data or its text; a value of another type becomes a JSON document, whereas the original delivers an empty body. A rejected message is settled as \`modified\` with a failed delivery, so that the server counts the failure, or as \`released\` if the server does not support that outcome. Messages may have up to 128 MiB, which is announced to the server; a larger one ends the connection with an error.

Metadata of each message: \`amqp_content_type\`, \`amqp_content_encoding\`, \`amqp_creation_time\` and \`amqp_to\`, as far as the message has them, and its textual annotations, with \`_\` for \`-\`. The original documents \`amqp_creation_time\` but does not set it. With \`read_header\` also \`amqp_durable\`, \`amqp_priority\`, \`amqp_ttl\`, \`amqp_first_acquirer\` and \`amqp_delivery_count\`.

${securityHelp}`,
  config,
  requires: ['rhea'],
  needs: ['network'],
  create: (options, resources) => new AmqpInput(options, resources),
})

/** A received message and how to settle it. */
interface Arrival {
  readonly message: AmqpMessage | Uint8Array
  readonly delivery: AmqpDelivery
}

/** A message of another format than AMQP's own consists of its body only. */
interface Received extends EventContext {
  readonly message: AmqpMessage
  readonly delivery: AmqpDelivery
}

class AmqpInput implements Input {
  readonly #options: Infer<typeof config>
  readonly #resources: Resources
  readonly #connect: (signal: AbortSignal) => Promise<AmqpConnection>
  readonly #arrivals = new Arrivals<Arrival>()
  #connection: AmqpConnection | null = null
  #receiver: Receiver | null = null
  #credit: ReceiverCredit | null = null
  #renewal: LockRenewal | null = null

  constructor(options: Infer<typeof config>, resources: Resources) {
    this.#options = options
    this.#resources = resources
    // A slow message must not hold back the acknowledged ones after it, which leave the library's buffer in order.
    this.#connect = amqpConnector(options, resources, Math.max(4096, options.credit * 4))
  }

  async connect(signal: AbortSignal): Promise<void> {
    await this.close()
    this.#arrivals.reset()
    const connection = await this.#connect(signal)
    this.#connection = connection
    const { source_address: address, credit, azure_renew_lock: renews } = this.#options
    const options = { source: { address }, credit_window: 0, autoaccept: false, max_message_size: maxMessageBytes }
    const receiver = await connection.openReceiver(options, signal)
    limitMessages(receiver)
    if (renews) this.#renewal = await LockRenewal.open(connection, address, this.#resources, signal)
    receiver.on('message', (context: Received) => this.#arrivals.put(context))
    connection.onLost(cause => this.#lose(receiver, cause))
    this.#receiver = receiver
    this.#credit = new ReceiverCredit(receiver, credit)
  }

  async read(signal: AbortSignal): Promise<Delivery | null> {
    const arrived = await this.#arrivals.take(this.#options.credit, signal)
    if (arrived === null) return null
    const receiver = this.#receiver
    const sources = new Map(arrived.map(each => [this.#messageFrom(each), each]))
    for (const { message, delivery } of arrived) this.#renewal?.start(message, delivery)
    return deliverEach([...sources.keys()], (settled, error) => {
      for (const message of settled) this.#settle(receiver, sources.get(message)!.delivery, error)
    })
  }

  async close(): Promise<void> {
    const connection = this.#connection
    this.#connection = null
    this.#receiver = null
    this.#renewal?.close()
    this.#renewal = null
    await connection?.close()
  }

  /** Delivered messages can no longer be acknowledged, and the server redelivers them. */
  #lose(receiver: Receiver, cause: Error): void {
    if (this.#receiver !== receiver) return
    this.#receiver = null
    this.#renewal?.close()
    this.#resources.log.error(`Lost connection due to: ${cause.message}`)
    this.#arrivals.fail(cause)
  }

  #settle(receiver: Receiver | null, delivery: AmqpDelivery, error: Error | null): void {
    this.#renewal?.stop(delivery)
    if (receiver === null || receiver !== this.#receiver || isClosing(error)) return
    this.#credit?.settled()
    if (error === null) delivery.accept()
    // The library sends the outcomes of one turn together, and gives a message the outcome of the previous one if that
    // is the first of them: a rejected message would count as accepted.
    else setImmediate(() => refuse(receiver, delivery))
  }

  #messageFrom({ message }: Arrival): Message {
    if (message instanceof Uint8Array) return Message.fromBytes(message)
    return Message.fromValue(bodyOf(message['body']), metadataOf(message, this.#options.read_header))
  }
}

function refuse(receiver: Receiver, delivery: AmqpDelivery): void {
  if (knowsModified(receiver)) delivery.modified({ delivery_failed: true, undeliverable_here: false })
  else delivery.release()
}

/** Servers may declare the outcomes they support; one that does not supports those of the standard. */
function knowsModified(receiver: Receiver): boolean {
  const { outcomes } = receiver.source
  const known = typeof outcomes === 'string' ? [outcomes] : outcomes
  return !Array.isArray(known) || known.length === 0 || known.includes('amqp:modified:list')
}

/** The metadata of a message is text, as in the original; empty values are omitted. */
function metadataOf(message: AmqpMessage, readsHeader: boolean): Map<string, Value> {
  const metadata = new Map<string, Value>()
  const set = (key: string, text: unknown) => {
    if (typeof text === 'string' && text !== '') metadata.set(key.replaceAll('-', '_'), text)
  }
  set('amqp_content_type', message.content_type)
  set('amqp_content_encoding', message.content_encoding)
  if (message.creation_time instanceof Date) set('amqp_creation_time', secondsOf(message.creation_time))
  set('amqp_to', message.to)
  if (readsHeader) for (const [key, text] of headerOf(message)) set(key, text)
  for (const [key, value] of Object.entries(message.message_annotations ?? {})) set(key, value)
  return metadata
}

/** Missing header fields have the default values of the standard. */
function headerOf(message: AmqpMessage): readonly (readonly [string, string])[] {
  const { durable = false, priority = 4, ttl = 0, first_acquirer: isFirst = false, delivery_count: count = 0 } = message
  return [
    ['amqp_durable', String(durable)],
    ['amqp_priority', String(priority)],
    ['amqp_ttl', durationText(ttl * 1e6)],
    ['amqp_first_acquirer', String(isFirst)],
    ['amqp_delivery_count', String(count)],
  ]
}

/** RFC 3339, to the second. */
function secondsOf(time: Date): string {
  return time.toISOString().replace(/\.\d+Z$/, 'Z')
}
