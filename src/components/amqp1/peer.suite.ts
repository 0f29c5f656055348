import { once } from 'node:events'
import type { TestContext } from 'node:test'
import rhea, { type Connection, type Delivery, type EventContext, type Message, type Sender } from 'rhea'
import { portOf } from '../../../test/servers/ports.ts'

/** An independent client of the server. */
export class Peer {
  readonly #connection: Connection

  private constructor(connection: Connection) {
    this.#connection = connection
  }

  static async connect(port: number): Promise<Peer> {
    const options = { host: '127.0.0.1', port, username: 'guest', password: 'guest', reconnect: false }
    return new Peer(rhea.create_container().connect({ ...options, transport: 'tcp' }))
  }

  /** Resolves once the server has accepted all messages. */
  async send(queue: string, ...messages: readonly Message[]): Promise<void> {
    const sender = this.#connection.open_sender(queue)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    let [next, accepted] = [0, 0]
    sender.on('sendable', () => {
      while (next < messages.length && sender.sendable()) sender.send(messages[next++]!)
    })
    sender.on('accepted', () => ++accepted === messages.length && resolve())
    sender.on('sender_error', () => reject(new Error(`${queue}: ${String(sender.error)}`)))
    await promise
    sender.close()
  }

  /** Takes `count` messages out of a queue. */
  async receive(queue: string, count: number): Promise<readonly Message[]> {
    const receiver = this.#connection.open_receiver({ source: queue, credit_window: 0 })
    const found: Message[] = []
    const { promise, resolve } = Promise.withResolvers<void>()
    receiver.on('message', ({ message }: EventContext) => found.push(message!) === count && resolve())
    receiver.add_credit(count)
    await promise
    receiver.close()
    return found
  }

  close(): void {
    this.#connection.close()
  }
}

interface Waiting {
  readonly message: Message
  readonly tag: string | undefined
}

/**
 * An in-memory server for what RabbitMQ does not do: the test decides the outcomes of messages that it receives, and
 * sees those of messages that it sends.
 */
export class AmqpServer {
  readonly #queues = new Map<string, Waiting[]>()
  readonly #senders = new Set<Sender>()
  readonly #open = new Map<Delivery, { readonly queue: string; readonly message: Message }>()
  /** Settles a received message, depending on its body. */
  decide: (body: string) => (delivery: Delivery) => void = () => delivery => delivery.accept()
  /** Answers requests to management nodes. */
  manage: (request: Message) => Partial<Message> = () => ({})
  /** The outcomes of the messages that it sent. */
  readonly outcomes: string[] = []
  connections = 0
  /** The users of its connections; undefined for one that did not authenticate. */
  readonly users: unknown[] = []
  url = ''

  static async start(
    context: TestContext,
    receiverOptions: Readonly<Record<string, unknown>> = {},
  ): Promise<AmqpServer> {
    const server = new AmqpServer()
    const container = rhea.create_container()
    container.sasl_server_mechanisms.enable_anonymous()
    container.sasl_server_mechanisms.enable_plain((user: string, password: string) => user === 'ü' && password === 'ß')
    container.on('connection_open', ({ connection }: EventContext) => {
      server.connections++
      const user: unknown = Reflect.get(Reflect.get(connection, 'sasl_transport')?.selected ?? {}, 'username')
      server.users.push(user)
    })
    container.on('disconnected', () => undefined)
    container.on('receiver_open', ({ receiver }: EventContext) =>
      receiver!.set_target({ ...addressOf(receiver!.target) }),
    )
    container.on('sender_open', ({ sender }: EventContext) => {
      sender!.set_source(addressOf(sender!.source))
      server.#senders.add(sender!)
    })
    container.on('sender_close', ({ sender }: EventContext) => server.#senders.delete(sender!))
    container.on('sendable', () => server.#pump())
    container.on('message', (received: EventContext) => server.#receive(received))
    for (const outcome of ['accepted', 'rejected', 'released', 'modified']) {
      container.on(outcome, ({ delivery }: EventContext) => server.#settle(delivery!, outcome))
    }
    // Modified messages are reported as such, which the library's types do not express.
    const senderOptions = { snd_settle_mode: 2 as const, treat_modified_as_released: false }
    const listener = container.listen({
      port: 0,
      host: '127.0.0.1',
      transport: 'tcp',
      receiver_options: { autoaccept: false, ...receiverOptions },
      sender_options: senderOptions,
    })
    await once(listener, 'listening')
    context.after(() => once(listener.close(), 'close'))
    server.url = `amqp://127.0.0.1:${portOf(listener)}/`
    return server
  }

  /** Puts a message into a queue; it is delivered with the given tag, in hexadecimal, if there is one. */
  put(queue: string, message: Message, tag?: string): void {
    this.#queues.set(queue, [...(this.#queues.get(queue) ?? []), { message, tag }])
    this.#pump()
  }

  #pump(): void {
    for (const sender of this.#senders) {
      const queue = String(sender.source?.address)
      const waiting = this.#queues.get(queue) ?? []
      while (waiting.length > 0) {
        const { message, tag } = waiting.shift()!
        // Without credit the library keeps it.
        const delivery = sender.send(message, tag === undefined ? undefined : Buffer.from(tag, 'hex'))
        this.#open.set(delivery, { queue, message })
      }
    }
  }

  #receive({ message, delivery, receiver }: EventContext): void {
    if (receiver!.target?.address?.endsWith('/$management') === true) {
      delivery!.accept()
      const answers = [...this.#senders].find(sender => sender.target?.address === message!.reply_to)
      answers?.send({ body: null, correlation_id: message!.message_id!, ...this.manage(message!) })
    } else {
      // Each in its own turn of the event loop: see the input.
      setImmediate(() => this.decide(String(message!.body.content))(delivery!))
    }
  }

  #settle(delivery: Delivery, outcome: string): void {
    const sent = this.#open.get(delivery)
    if (sent === undefined) return
    this.#open.delete(delivery)
    this.outcomes.push(outcome)
    const { queue, message } = sent
    const failures = Number(message.delivery_count ?? 0)
    if (outcome === 'released') this.put(queue, message)
    if (outcome === 'modified') this.put(queue, { ...message, delivery_count: failures + 1 })
  }
}

function addressOf(terminus: { readonly address?: string } | null): { readonly address: string } {
  return { address: terminus?.address ?? '' }
}
