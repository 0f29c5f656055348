import { Buffer } from 'node:buffer'
import type { Delivery, EventContext, Sender } from 'rhea'
import { asError, fieldsOf, isRecord } from '../../base/index.ts'
import { DELETED, isObject, type Mapping, MetadataDraft, NOTHING, typeOf } from '../../bloblang/index.ts'
import {
  type Batch,
  defineOutput,
  field,
  type Infer,
  maxInFlightField,
  type Message,
  NotConnectedError,
  type Output,
  type Resources,
  Signal,
  throwOutcomes,
} from '../../engine/index.ts'
import {
  type AmqpConnection,
  amqpConnector,
  clientFields,
  describe,
  lintUrls,
  securityFields,
  securityHelp,
} from './client.ts'
import { amqpMap } from './values.ts'

const config = field
  .object({
    ...clientFields,
    target_address: field.string('The address to send to.').examples('/foo', 'queue:/bar', 'topic:/baz'),
    max_in_flight: maxInFlightField(64),
    application_properties_map: field
      .mapping('A mapping whose result, an object, becomes the application properties of a message.')
      .optional()
      .advanced()
      .examples('root.kind = @kind\nroot.attempts = 1'),
    metadata: field
      .object(
        { exclude_prefixes: field.string('Prefixes of metadata keys to exclude.').list().default([]) },
        'Which metadata becomes message annotations.',
      )
      .optional(),
    ...securityFields,
  })
  .lint(lintUrls)

export default defineOutput({
  name: 'amqp_1',
  status: 'stable',
  categories: ['Services'],
  summary: 'Sends messages to an AMQP 1.0 server, such as RabbitMQ, ActiveMQ or Azure Service Bus.',
  description: `A message is delivered once the server has accepted it. One that the server rejects or releases fails; the original would resend it endlessly, or count it as delivered.

${securityHelp}`,
  config,
  requires: ['rhea'],
  needs: ['network'],
  create: (options, resources) => new AmqpOutput(options, resources),
})

class AmqpOutput implements Output {
  readonly #options: Infer<typeof config>
  readonly #resources: Resources
  readonly #connect: (signal: AbortSignal) => Promise<AmqpConnection>
  readonly #excluded: readonly string[]
  #connection: AmqpConnection | null = null
  #link: SendingLink | null = null

  constructor(options: Infer<typeof config>, resources: Resources) {
    this.#options = options
    this.#resources = resources
    this.#connect = amqpConnector(options, resources, sessionBuffer)
    this.#excluded = options.metadata?.exclude_prefixes ?? []
  }

  async connect(signal: AbortSignal): Promise<void> {
    // Writes that were in flight together each report the loss, some of them after the engine has reconnected.
    if (this.#connection?.isOpen === true && this.#link !== null) return
    await this.close()
    const connection = await this.#connect(signal)
    this.#connection = connection
    const sender = await connection.openSender({ target: { address: this.#options.target_address } }, signal)
    connection.onLost(cause => this.#resources.log.error(`Lost connection due to: ${cause.message}`))
    this.#link = new SendingLink(sender, connection, (await import('rhea')).default)
  }

  async write(batch: Batch): Promise<void> {
    const outcomes = await this.#send(batch.map((_, index) => [batch, index]))
    throwOutcomes(batch, outcomes)
  }

  writeRun(run: readonly Message[]): Promise<readonly (Error | null)[]> {
    return this.#send(run.map(message => [[message], 0]))
  }

  async close(): Promise<void> {
    const connection = this.#connection
    this.#connection = null
    this.#link = null
    await connection?.close()
  }

  /** Sends messages in order; returns the outcome of each, by index. */
  async #send(messages: readonly (readonly [Batch, number])[]): Promise<readonly (Error | null)[]> {
    const outcomes: Promise<Error | null>[] = []
    for (const [batch, index] of messages) {
      const link = this.#link
      if (link === null) {
        outcomes.push(Promise.resolve(new NotConnectedError()))
        continue
      }
      try {
        const payload = this.#encode(link, batch, index)
        if (!link.isSendable) await link.untilSendable()
        outcomes.push(link.send(payload))
      } catch (error) {
        outcomes.push(Promise.resolve(asError(error)))
      }
    }
    return await Promise.all(outcomes)
  }

  #encode({ library: { message, types } }: SendingLink, batch: Batch, index: number): Buffer {
    const { metadata } = batch[index]!
    const bytes = batch[index]!.bytes()
    const annotations = [...metadata].filter(([key]) => !this.#excluded.some(prefix => key.startsWith(prefix)))
    const properties = propertiesOf(this.#options.application_properties_map, batch, index)
    return message.encode({
      body: message.data_section(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)),
      ...(annotations.length === 0 ? {} : { message_annotations: amqpMap(annotations, types) }),
      ...(properties === null ? {} : { application_properties: amqpMap(Object.entries(properties), types) }),
    })
  }
}

/** The result of `application_properties_map` for a message; null if there is none. */
function propertiesOf(mapping: Mapping | null | undefined, batch: Batch, index: number) {
  if (mapping === null || mapping === undefined) return null
  const mapped = mapping.run(batch, index, new MetadataDraft().reset(batch[index]!.metadata))
  // A mapping that assigns nothing leaves the document unchanged.
  const result = mapped === NOTHING ? batch[index]!.structured() : mapped
  if (result === DELETED || result === null) return null
  if (!isObject(result))
    throw new Error(`application_properties_map resulted in a non-object mapping: ${typeOf(result)}`)
  return result
}

/** Maximum number of unsettled messages. */
const sessionBuffer = 4096

type Library = typeof import('rhea')

/** A link on which the server settles each message with an outcome. */
class SendingLink {
  readonly library: Library
  readonly #sender: Sender
  readonly #pending = new Map<Delivery, (outcome: Error | null) => void>()
  readonly #changed = new Signal()
  #failure: NotConnectedError | null = null

  constructor(sender: Sender, connection: AmqpConnection, library: Library) {
    this.library = library
    this.#sender = sender
    for (const event of ['accepted', 'rejected', 'released', 'modified', 'settled']) {
      sender.on(event, ({ delivery }: EventContext) => delivery !== undefined && this.#settle(delivery))
    }
    sender.on('sendable', () => this.#changed.notify())
    connection.onLost(cause => this.#lose(new NotConnectedError(cause)))
  }

  get isSendable(): boolean {
    return this.#failure === null && this.#sender.sendable()
  }

  /** Resolves once the server accepts another message. Rejects if the connection is lost. */
  async untilSendable(): Promise<void> {
    while (!this.isSendable) {
      if (this.#failure !== null) throw this.#failure
      await this.#changed.wait()
    }
  }

  /** Sends an encoded message; resolves to its outcome. */
  async send(payload: Buffer): Promise<Error | null> {
    const { max_message_size: limit } = this.#sender
    // Larger messages make the server end the link. A limit too large for a number is not one.
    if (typeof limit === 'number' && limit > 0 && payload.length > limit) {
      return new Error(`the message has ${payload.length} bytes with its annotations, and the server takes ${limit}`)
    }
    const { promise, resolve } = Promise.withResolvers<Error | null>()
    this.#pending.set(this.#sender.send(payload, undefined, 0), resolve)
    return await promise
  }

  #settle(delivery: Delivery): void {
    const resolve = this.#pending.get(delivery)
    if (resolve === undefined) return
    this.#pending.delete(delivery)
    // A server that settles second waits for this.
    if (!delivery.remote_settled) delivery.update(true)
    resolve(failureOf(delivery.remote_state))
  }

  #lose(failure: NotConnectedError): void {
    this.#failure = failure
    for (const resolve of this.#pending.values()) resolve(failure)
    this.#pending.clear()
    this.#changed.notify()
  }
}

/** The error for the outcome that the server gave a message; null if it was accepted. */
function failureOf(state: unknown): Error | null {
  const outcome = isRecord(state) ? Reflect.get(state.constructor, 'composite_type') : undefined
  switch (outcome) {
    case 'rejected':
      return new Error(`the server rejected the message: ${describe(fieldsOf(state)['error']) || 'without a reason'}`)
    case 'released':
    case 'modified':
      return new Error(`the server gave the message back (${outcome})`)
    default:
      return null
  }
}
