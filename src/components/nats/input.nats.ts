import type { Msg, NatsConnection } from '@nats-io/transport-node'
import { textOfMetadata, type Value } from '../../bloblang/index.ts'
import {
  Arrivals,
  autoReplayNacksField,
  defineInput,
  deliverBatch,
  deliverEach,
  type Delivery,
  field,
  type Infer,
  type Input,
  isClosing,
  Message,
  type Resources,
} from '../../engine/index.ts'
import { addHeaders, flushed, inputTracingFields, natsConnector, securityFields, urlsField } from './client.ts'

const config = field.object({
  urls: urlsField,
  subject: field
    .string('The subject; `*` matches one token, `>` the rest.')
    .examples('foo.bar.baz', 'foo.*.baz', 'foo.>'),
  queue: field.string('A queue group: each message goes to one of its members.').optional(),
  auto_replay_nacks: autoReplayNacksField,
  nak_delay: field
    .duration('The delay after which a rejected message should be redelivered, if the sender supports that.')
    .examples('1m')
    .optional()
    .advanced(),
  prefetch_count: field
    .int('The maximum number of messages waiting to be read. Further ones are dropped, and counted in the log.')
    .default(500_000)
    .lint(value => (Number(value) < 0 ? 'prefetch count must be greater than or equal to zero' : undefined))
    .advanced(),
  send_ack: field
    .bool('Whether a message that requests a reply is acknowledged to its sender once it has been delivered.')
    .default(true)
    .advanced()
    .since('1.21.0'),
  ...securityFields,
  ...inputTracingFields,
})

export default defineInput({
  name: 'nats',
  categories: ['Services'],
  summary: 'Subscribes to a NATS subject.',
  description: `Only messages published while the stream is subscribed are received.

Metadata of each message: \`nats_subject\`, \`nats_reply_subject\`, and all headers by name.

A message that was sent as a request is answered by the output \`sync_response\`: its body becomes the reply, its metadata the headers.`,
  config,
  requires: ['@nats-io/transport-node'],
  needs: ['network'],
  create: (options, resources) => new NatsInput(options, resources),
})

/** Maximum number of messages delivered together. */
const maxRun = 1024

class NatsInput implements Input {
  readonly #config: Infer<typeof config>
  readonly #resources: Resources
  readonly #connect: () => Promise<NatsConnection>
  readonly #arrivals = new Arrivals<Msg>()
  #library: typeof import('@nats-io/transport-node') | null = null
  #connection: NatsConnection | null = null
  #dropped = 0

  constructor(options: Infer<typeof config>, resources: Resources) {
    this.#config = options
    this.#resources = resources
    this.#connect = natsConnector(options, resources, { reconnects: false })
  }

  async connect(): Promise<void> {
    await this.close()
    const { subject, queue } = this.#config
    this.#library = await import('@nats-io/transport-node')
    const connection = await this.#connect()
    this.#connection = connection
    this.#arrivals.reset()
    connection.subscribe(subject, {
      ...(queue !== undefined && queue !== '' && { queue }),
      callback: (error, message) => {
        if (error === null) this.#take(message)
        else this.#arrivals.fail(error)
      },
    })
    void connection.closed().then(error => this.#connection === connection && this.#arrivals.fail(error))
    await flushed(connection)
  }

  async read(signal: AbortSignal): Promise<Delivery | null> {
    const arrived = await this.#arrivals.take(maxRun, signal)
    if (arrived === null) return null
    this.#reportDropped()
    // Each message that requests a reply is a delivery of its own.
    const [first] = arrived as [Msg]
    if (first.reply) return this.#request(first, arrived.slice(1))
    const next = arrived.findIndex(message => message.reply)
    const run = next < 0 ? arrived : arrived.slice(0, next)
    this.#arrivals.unread(arrived.slice(run.length))
    return deliverEach(run.map(messageOf))
  }

  async close(): Promise<void> {
    const connection = this.#connection
    this.#connection = null
    await connection?.close()
  }

  #take(message: Msg): void {
    if (this.#arrivals.size >= Math.max(1, this.#config.prefetch_count)) this.#dropped++
    else this.#arrivals.put(message)
  }

  #request(message: Msg, others: readonly Msg[]): Delivery {
    this.#arrivals.unread(others)
    const answers: Message[] = []
    const context = { respond: (more: readonly Message[]) => void answers.push(...more) }
    return deliverBatch([messageOf(message).withContext(context)], error => this.#answer(message, answers, error))
  }

  #answer(message: Msg, answers: readonly Message[], error: Error | null): void {
    if (isClosing(error)) return
    const { nak_delay: delayMs, send_ack: acknowledges } = this.#config
    if (error !== null) {
      const delay = delayMs === undefined ? '' : ` {"delay": ${Math.round(delayMs * 1e6)}}`
      message.respond(`-NAK${delay}`)
      return
    }
    const [answer] = answers
    if (answer === undefined) {
      if (acknowledges) message.respond('+ACK')
      return
    }
    const headers = this.#library!.headers()
    for (const [key, value] of answer.metadata) headers.append(key, textOfMetadata(value))
    message.respond(answer.bytes(), { headers })
  }

  #reportDropped(): void {
    if (this.#dropped === 0) return
    this.#resources.log.error(`Dropped ${this.#dropped} messages, as the stream is slower than their publishers`)
    this.#dropped = 0
  }
}

function messageOf(message: Msg): Message {
  const metadata = new Map<string, Value>([
    ['nats_subject', message.subject],
    ['nats_reply_subject', message.reply ?? ''],
  ])
  addHeaders(metadata, message.headers)
  return Message.fromBytes(message.data, metadata)
}
