import { messageOf } from '../../base/index.ts'
import type { ConsumerConfig, ConsumerInfo, JetStreamManager } from '@nats-io/jetstream'
import type { Msg, NatsConnection } from '@nats-io/transport-node'
import type { Value } from '../../bloblang/index.ts'
import {
  Arrivals,
  ConfigError,
  defineInput,
  deliverEach,
  type Delivery,
  field,
  type Infer,
  type Input,
  isClosing,
  Message,
  NotConnectedError,
  parseDuration,
  type Resources,
} from '../../engine/index.ts'
import { addHeaders, flushed, inputTracingFields, natsConnector, securityFields, urlsField } from './client.ts'

const config = field.object({
  urls: urlsField,
  queue: field.string('A queue group: its members share the messages of one consumer.').optional(),
  subject: field
    .string('The subject; `*` matches one token, `>` the rest.')
    .examples('foo.bar.baz', 'foo.*.baz', 'foo.>')
    .optional(),
  durable: field.string('The name of a durable consumer, which remembers what was delivered.').optional(),
  stream: field.string('The stream, if it is not determined by the subject.').optional(),
  bind: field.bool('Whether the consumer must already exist; if so, none is created.').optional(),
  deliver: field
    .string('Where a new consumer starts.')
    .options({
      all: 'At the oldest message.',
      last: 'At the newest message.',
      last_per_subject: 'At the newest message of each subject.',
      new: 'With new messages only.',
    })
    .default('all'),
  ack_wait: field
    .string('How long the server waits for an acknowledgement before it redelivers a message.')
    .default('30s')
    .examples('100ms', '5m')
    .advanced(),
  max_ack_pending: field
    .int('The maximum number of unacknowledged messages before the server stops delivering.')
    .default(1024)
    .advanced(),
  ...securityFields,
  ...inputTracingFields,
})

type Config = Infer<typeof config>

export default defineInput({
  name: 'nats_jetstream',
  categories: ['Services'],
  summary: 'Reads messages from a NATS JetStream stream.',
  description: `A message is acknowledged once it has been delivered, and the server redelivers rejected ones. Without \`durable\` the consumer exists as long as the input; if its server forgets it during a lost connection, a new one continues at the oldest unacknowledged message.

Metadata of each message: \`nats_subject\`, \`nats_sequence_stream\`, \`nats_sequence_consumer\`, \`nats_num_delivered\`, \`nats_num_pending\`, \`nats_domain\`, \`nats_timestamp_unix_nano\`, and all headers by name.`,
  config,
  requires: ['@nats-io/transport-node', '@nats-io/jetstream'],
  needs: ['network'],
  create: (options, resources) => new JetStreamInput(options, resources),
})

/** Maximum number of messages delivered together. */
const maxRun = 256

/** Messages requested from a pull consumer at a time, and for how long the request lasts. */
const pullBatch = 256
const pullExpiresMs = 5000

class JetStreamInput implements Input {
  readonly #config: Config
  readonly #resources: Resources
  readonly #connect: () => Promise<NatsConnection>
  readonly #arrivals = new Arrivals<Msg>()
  /** Stream sequences of messages not acknowledged yet, in order. */
  readonly #open = new Set<bigint>()
  #lastSequence = 0n
  /** Creates a unique reply subject; the library's function, once it is loaded. */
  #newInbox: () => string = () => ''
  #connection: NatsConnection | null = null
  /** Identifies a consumer that was created for this input only, in order to delete it. */
  #own: { readonly manager: JetStreamManager; readonly stream: string; readonly name: string } | null = null

  constructor(options: Config, resources: Resources) {
    this.#config = options
    this.#resources = resources
    this.#connect = natsConnector(options, resources, { reconnects: false })
    const { bind, stream = '', durable = '', subject = '', ack_wait: ackWait } = options
    if (bind === true && stream === '' && durable === '') {
      throw new ConfigError('stream or durable is required, when bind is true')
    }
    if (bind !== true && subject === '') throw new ConfigError('subject is empty')
    if (ackWait !== '') parseAckWait(ackWait)
  }

  async connect(): Promise<void> {
    await this.#connection?.close()
    const { jetstreamManager } = await import('@nats-io/jetstream')
    const { createInbox } = await import('@nats-io/transport-node')
    this.#newInbox = createInbox
    const connection = await this.#connect()
    this.#connection = connection
    this.#arrivals.reset()
    try {
      const manager = await jetstreamManager(connection)
      const consumer = await this.#consumer(manager)
      if (consumer.config.deliver_subject) this.#subscribe(connection, consumer.config)
      else void this.#pull(connection, consumer)
      void connection.closed().then(error => this.#connection === connection && this.#arrivals.fail(error))
      await flushed(connection)
    } catch (error) {
      await connection.close()
      throw error
    }
  }

  async read(signal: AbortSignal): Promise<Delivery | null> {
    const arrived = await this.#arrivals.take(maxRun, signal)
    if (arrived === null) return null
    if (this.#connection === null) throw new NotConnectedError()
    const places = new Map<Message, { readonly message: Msg; readonly sequence: bigint }>()
    const messages = arrived.map(message => {
      const info = deliveryInfo(message.reply ?? '')
      const delivered = toMessage(message, info)
      places.set(delivered, { message, sequence: info.streamSequence })
      this.#open.add(info.streamSequence)
      if (info.streamSequence > this.#lastSequence) this.#lastSequence = info.streamSequence
      return delivered
    })
    return deliverEach(messages, (settled, error) => {
      if (isClosing(error)) return
      for (const each of settled) {
        const { message, sequence } = places.get(each)!
        message.respond(error === null ? '+ACK' : '-NAK')
        if (error === null) this.#open.delete(sequence)
      }
    })
  }

  async close(): Promise<void> {
    const connection = this.#connection
    this.#connection = null
    const own = this.#own
    if (connection !== null && own !== null && !connection.isClosed()) {
      // The server removes a consumer without a reader anyway, so nothing depends on this.
      await own.manager.consumers.delete(own.stream, own.name).catch(() => undefined)
    }
    // The last acknowledgements may be in transit; if the connection is lost, the server redelivers their messages.
    if (connection !== null) await flushed(connection).catch(() => undefined)
    await connection?.close()
  }

  /** The consumer to read from: the configured one if it exists, otherwise a new one. */
  async #consumer(manager: JetStreamManager): Promise<ConsumerInfo> {
    const { bind, durable = '', queue = '', subject = '', stream: named = '' } = this.#config
    const stream = named === '' ? await manager.streams.find(subject) : named
    const name = durable === '' ? queue : durable
    if (name !== '') {
      const found = await existing(manager, stream, name)
      if (found !== null) return found
      if (bind === true) throw new Error(`nats: consumer ${name} of stream ${stream} not found`)
    }
    const made = await manager.consumers.add(stream, this.#newConsumer(name, queue))
    this.#own = name === '' ? { manager, stream, name: made.name } : null
    return made
  }

  #newConsumer(name: string, queue: string): Partial<ConsumerConfig> {
    const { subject = '', deliver, ack_wait: ackWait, max_ack_pending: maxPending } = this.#config
    const [oldestOpen] = this.#open
    // The server has forgotten an earlier consumer of this input.
    const goesOn = name === '' && this.#lastSequence > 0n
    return {
      ...(name === '' ? {} : { durable_name: name }),
      ...(queue === '' ? {} : { deliver_group: queue }),
      ...(subject === '' ? {} : { filter_subject: subject }),
      deliver_subject: this.#newInbox(),
      deliver_policy: goesOn ? 'by_start_sequence' : deliver,
      ...(goesOn ? { opt_start_seq: Number(oldestOpen ?? this.#lastSequence + 1n) } : {}),
      ack_policy: 'explicit',
      ...(ackWait === '' ? {} : { ack_wait: Math.round(parseAckWait(ackWait) * 1e6) }),
      ...(maxPending === 0 ? {} : { max_ack_pending: maxPending }),
    }
  }

  #subscribe(connection: NatsConnection, { deliver_subject: subject, deliver_group: queue }: ConsumerConfig): void {
    connection.subscribe(subject!, {
      ...(queue === undefined ? {} : { queue }),
      callback: (error, message) => {
        if (error !== null) this.#arrivals.fail(error)
        // Status messages such as heartbeats have no subject for acknowledgements, or request an immediate reply.
        else if (message.headers !== undefined && message.headers.code > 0) message.respond()
        else this.#arrivals.put(message)
      },
    })
  }

  /** Requests messages from a pull consumer when few are waiting. */
  async #pull(connection: NatsConnection, { stream_name: stream, name }: ConsumerInfo): Promise<void> {
    const inbox = this.#newInbox()
    let outstanding = 0
    const ask = () => {
      if (outstanding > pullBatch / 2 || connection.isClosed()) return
      outstanding += pullBatch
      const request = { batch: pullBatch, expires: pullExpiresMs * 1e6 }
      connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${name}`, JSON.stringify(request), { reply: inbox })
    }
    connection.subscribe(inbox, {
      callback: (error, message) => {
        if (error !== null) return this.#arrivals.fail(error)
        if (message.headers !== undefined && message.headers.code > 0) {
          // The request has ended: it is fulfilled, it timed out, or the consumer was removed.
          if (message.headers.code === 409) this.#resources.log.warn(`NATS: ${message.headers.description}`)
          outstanding = 0
        } else {
          outstanding--
          this.#arrivals.put(message)
        }
        ask()
      },
    })
    ask()
  }
}

async function existing(manager: JetStreamManager, stream: string, name: string): Promise<ConsumerInfo | null> {
  const { JetStreamApiError } = await import('@nats-io/jetstream')
  const consumerNotFound = 10_014
  try {
    return await manager.consumers.info(stream, name)
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === consumerNotFound) return null
    throw error
  }
}

function parseAckWait(text: string): number {
  try {
    return parseDuration(text)
  } catch (error) {
    throw new ConfigError(`failed to parse ack wait duration: ${messageOf(error)}`, { cause: error })
  }
}

/** The delivery information encoded in the subject for acknowledgements (ADR 15 of NATS). */
interface DeliveryInfo {
  readonly domain: string
  readonly delivered: string
  readonly streamSequence: bigint
  readonly consumerSequence: string
  readonly timestamp: string
  readonly pending: string
}

function deliveryInfo(reply: string): DeliveryInfo {
  const parts = reply.split('.')
  // Since NATS 2.3 the domain and the account come first.
  const [domain, at] = parts.length >= 11 ? [parts[2]!, 6] : ['_', 4]
  return {
    domain: domain === '_' ? '' : domain,
    delivered: parts[at] ?? '',
    streamSequence: BigInt(parts[at + 1] ?? 0),
    consumerSequence: parts[at + 2] ?? '',
    timestamp: parts[at + 3] ?? '',
    pending: parts[at + 4] ?? '',
  }
}

function toMessage(message: Msg, info: DeliveryInfo): Message {
  const metadata = new Map<string, Value>([
    ['nats_subject', message.subject],
    ['nats_sequence_stream', String(info.streamSequence)],
    ['nats_sequence_consumer', info.consumerSequence],
    ['nats_num_delivered', info.delivered],
    ['nats_num_pending', info.pending],
    ['nats_domain', info.domain],
    ['nats_timestamp_unix_nano', info.timestamp],
  ])
  addHeaders(metadata, message.headers)
  return Message.fromBytes(message.data, metadata)
}
