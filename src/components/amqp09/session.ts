// A client of AMQP 0.9.1 with one channel on its connection.
import type { Buffer } from 'node:buffer'
import type { Socket } from 'node:net'
import { asError, messageOf } from '../../base/index.ts'
import type { Settle } from '../../engine/index.ts'
import {
  IncomingFrames,
  maxFrameBytes,
  methods,
  minFrameBytes,
  OutgoingFrames,
  type Received,
  type Returned,
} from './frames.ts'
import { type FieldReader, FieldWriter } from './wire.ts'

/** Methods about the connection itself are on channel 0. */
const [connection, channel] = [0, 1]

/** How long a server may take to confirm that a session ends. */
const closeTimeoutMs = 5_000

/** Why a server closed the channel or the connection: its code (such as 404) and text. */
export class AmqpError extends Error {
  override readonly name = 'AmqpError'
  readonly code: number

  constructor(code: number, text: string) {
    super(`Exception (${code}) Reason: "${text}"`)
    this.code = code
  }
}

export interface SessionEvents {
  received?(message: Received): void
  returned?(message: Returned): void
  /** The server cancelled the consumer, for example because the queue was deleted. */
  cancelled?(): void
  /** The session ended other than by {@link AmqpSession.close}. Called at most once. */
  lost?(cause: Error): void
}

export interface SignIn {
  /** Null if the certificate of the client identifies it. */
  readonly user: { readonly name: string; readonly password: string } | null
  readonly virtualHost: string
  /** The time between heartbeats, 0 for none. The server may lower it. */
  readonly heartbeatSeconds: number
}

type Write = (fields: FieldWriter) => FieldWriter

/** A method that the server has not answered yet. Answers arrive in the order of the methods. */
interface Call {
  readonly answer: number
  resolve(): void
  reject(error: Error): void
}

/**
 * A connection with one channel. When the server closes either, or the connection is lost, all calls and all messages
 * without a confirmation fail with the reason, and so do later ones.
 */
export class AmqpSession {
  readonly #socket: Socket
  readonly #events: SessionEvents
  readonly #outgoing: OutgoingFrames
  readonly #incoming: IncomingFrames
  readonly #calls: Call[] = []
  /** Messages without a confirmation, by their numbers, in the order of publishing. */
  readonly #unconfirmed = new Map<number, Settle>()
  #published = 0
  /** The last method of publishing and what it was made from: most messages go to the same place. */
  #route = { exchange: '', key: '', mandatory: false, method: encodedPublish('', '', false) }
  #failure: Error | null = null
  #refusal: AmqpError | null = null
  #isClosing = false
  /** Whether the server is short of resources, and does not read before it has them again. */
  #isBlocked = false
  #heartbeat: NodeJS.Timeout | null = null
  #heartbeatSeconds = 0
  #silentBeats = 0

  private constructor(socket: Socket, events: SessionEvents) {
    this.#socket = socket
    this.#events = events
    this.#outgoing = new OutgoingFrames(socket)
    this.#incoming = new IncomingFrames({
      method: (method, fields) => this.#take(method, fields),
      received: message => events.received?.(message),
      returned: message => events.returned?.(message),
    })
    socket
      .on('data', (data: Buffer) => this.#receive(data))
      .on('error', error => this.#fail(error))
      .on('close', () => this.#fail(new Error('the server closed the connection')))
  }

  /**
   * Signs in over a socket, which may still be connecting, and which the session owns from now on. Rejects with the
   * reason if the server refuses.
   */
  static async open(socket: Socket, signIn: SignIn, events: SessionEvents, signal: AbortSignal): Promise<AmqpSession> {
    let isOpen = false
    // Until it is open, only the caller of this learns of a failure.
    const session = new AmqpSession(socket, { ...events, lost: cause => isOpen && events.lost?.(cause) })
    const abort = () => session.#fail(asError(signal.reason))
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    try {
      await session.#signIn(signIn)
      isOpen = true
      return session
    } finally {
      signal.removeEventListener('abort', abort)
      if (!isOpen) session.#fail(new Error('the session was not opened'))
    }
  }

  get isOpen(): boolean {
    return this.#failure === null && !this.#isClosing
  }

  /** Why the server closed the channel, for example because an exchange does not exist; null if it did not. */
  get refusal(): AmqpError | null {
    return this.#refusal
  }

  declareExchange(exchange: string, type: string, { durable }: { readonly durable: boolean }): Promise<void> {
    return this.#call(methods.exchangeDeclare, methods.exchangeDeclareOk, fields =>
      fields.short(0).shortText(exchange).shortText(type).bits(false, durable, false, false, false).table({}),
    )
  }

  declareQueue(queue: string, options: { readonly durable: boolean; readonly autoDelete: boolean }): Promise<void> {
    return this.#call(methods.queueDeclare, methods.queueDeclareOk, fields =>
      fields.short(0).shortText(queue).bits(false, options.durable, false, options.autoDelete, false).table({}),
    )
  }

  bindQueue(queue: string, exchange: string, key: string): Promise<void> {
    return this.#call(methods.queueBind, methods.queueBindOk, fields =>
      fields.short(0).shortText(queue).shortText(exchange).shortText(key).bits(false).table({}),
    )
  }

  /** Sets how many messages may be unacknowledged. */
  prefetch(count: number): Promise<void> {
    return this.#call(methods.basicQos, methods.basicQosOk, fields => fields.long(0).short(count).bits(false))
  }

  /** Starts a consumer: messages arrive as `received` events. The server chooses the tag if it is empty. */
  consume(queue: string, consumerTag: string): Promise<void> {
    return this.#call(methods.basicConsume, methods.basicConsumeOk, fields =>
      fields.short(0).shortText(queue).shortText(consumerTag).bits(false, false, false, false).table({}),
    )
  }

  /** From now on the server confirms messages. */
  confirmMessages(): Promise<void> {
    return this.#call(methods.confirmSelect, methods.confirmSelectOk, fields => fields.bits(false))
  }

  /** Accepts one message, or all messages up to this one. */
  ack(deliveryTag: number, upTo = false): void {
    this.#send(channel, methods.basicAck, fields => fields.longLong(deliveryTag).bits(upTo))
  }

  nack(deliveryTag: number, requeue: boolean): void {
    this.#send(channel, methods.basicNack, fields => fields.longLong(deliveryTag).bits(false, requeue))
  }

  /**
   * Publishes a message with encoded properties, after {@link confirmMessages}. Throws if the protocol does not allow
   * its names or properties.
   */
  publish(
    { exchange, key, mandatory }: { readonly exchange: string; readonly key: string; readonly mandatory: boolean },
    properties: Uint8Array,
    content: Uint8Array,
    settle: Settle,
  ): void {
    if (!this.isOpen) return settle(this.#failure ?? closed())
    const last = this.#route
    if (exchange !== last.exchange || key !== last.key || mandatory !== last.mandatory) {
      this.#route = { exchange, key, mandatory, method: encodedPublish(exchange, key, mandatory) }
    }
    this.#outgoing.checkProperties(properties)
    this.#outgoing.encodedMethod(channel, this.#route.method)
    this.#outgoing.content(channel, properties, content)
    this.#unconfirmed.set(++this.#published, settle)
  }

  /** Ends the session once the server has processed what was sent before. Never rejects. */
  async close(): Promise<void> {
    if (!this.isOpen) return
    this.#isClosing = true
    if (!this.#isBlocked) {
      const timer = setTimeout(() => this.#fail(closed()), closeTimeoutMs)
      const reason: Write = fields => fields.short(200).shortText('goodbye').short(0).short(0)
      try {
        await this.#call(methods.channelClose, methods.channelCloseOk, reason)
        await this.#call(methods.connectionClose, methods.connectionCloseOk, reason, connection)
      } catch {
        // The server ended the connection first, or took too long.
      } finally {
        clearTimeout(timer)
      }
    }
    this.#fail(closed())
  }

  async #signIn({ user, virtualHost, heartbeatSeconds }: SignIn): Promise<void> {
    const mechanism = user === null ? 'EXTERNAL' : 'PLAIN'
    const password = user === null ? '' : `\0${user.name}\0${user.password}`
    this.#outgoing.greet()
    await this.#answered(methods.connectionStart)
    this.#heartbeatSeconds = heartbeatSeconds
    const start: Write = fields =>
      fields.table(clientProperties).shortText(mechanism).longText(password).shortText('en_US')
    // The server first names its limits, then waits for the client to open a virtual host.
    await this.#call(methods.connectionStartOk, methods.connectionTune, start, connection)
    const open: Write = fields => fields.shortText(virtualHost).shortText('').bits(false)
    await this.#call(methods.connectionOpen, methods.connectionOpenOk, open, connection)
    await this.#call(methods.channelOpen, methods.channelOpenOk, fields => fields.shortText(''))
  }

  /** Agrees on limits with the server, of which 0 means none. */
  #tune(fields: FieldReader): void {
    const [channels, frameBytes, heartbeat] = [fields.short(), fields.long(), fields.short()]
    const agreed = frameBytes === 0 ? maxFrameBytes : Math.min(frameBytes, maxFrameBytes)
    if (agreed < minFrameBytes) throw new RangeError(`the server accepts frames of at most ${frameBytes} bytes`)
    this.#outgoing.frameBytes = agreed
    this.#incoming.frameBytes = agreed
    const wanted = this.#heartbeatSeconds
    const seconds = heartbeat === 0 ? wanted : Math.min(wanted, heartbeat)
    this.#send(connection, methods.connectionTuneOk, answer => answer.short(channels).long(agreed).short(seconds))
    if (seconds > 0) this.#heartbeat = setInterval(() => this.#beat(seconds), seconds * 500)
  }

  /** Twice per interval. The connection counts as lost after two intervals without a byte. */
  #beat(seconds: number): void {
    if (++this.#silentBeats > 4) return this.#fail(new Error(`the server was silent for ${2 * seconds} s`))
    if (!this.#outgoing.hasSent) this.#outgoing.heartbeat()
    this.#outgoing.hasSent = false
  }

  /** Sends a method, and resolves when the server has answered it. */
  #call(method: number, answer: number, write: Write, at = channel): Promise<void> {
    try {
      this.#send(at, method, write)
    } catch (error) {
      return Promise.reject(asError(error)) // a name that is too long
    }
    return this.#answered(answer)
  }

  #answered(answer: number): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#calls.push({ answer, resolve, reject })
    return promise
  }

  #send(at: number, method: number, write: Write): void {
    if (this.#failure === null) this.#outgoing.method(at, method, write)
  }

  #receive(data: Buffer): void {
    this.#silentBeats = 0
    try {
      this.#incoming.take(data)
    } catch (error) {
      this.#fail(new Error(`the server does not follow AMQP 0.9.1: ${messageOf(error)}`, { cause: error }))
    }
  }

  #take(method: number, fields: FieldReader): void {
    switch (method) {
      case methods.basicAck:
        return this.#confirm(Number(fields.longLong()), fields.octet() !== 0, null)
      case methods.basicNack:
        return this.#confirm(Number(fields.longLong()), fields.octet() !== 0, new Error('the server rejected it'))
      case methods.basicCancel:
        return this.#events.cancelled?.()
      case methods.channelFlow: {
        const isActive = fields.octet() !== 0
        return this.#send(channel, methods.channelFlowOk, answer => answer.bits(isActive))
      }
      case methods.channelClose:
        this.#refusal = new AmqpError(fields.short(), fields.shortText())
        this.#send(channel, methods.channelCloseOk, answer => answer)
        return this.#end(this.#refusal)
      case methods.connectionClose:
        this.#send(connection, methods.connectionCloseOk, answer => answer)
        return this.#end(new AmqpError(fields.short(), fields.shortText()))
      case methods.connectionBlocked:
        this.#isBlocked = true
        return
      case methods.connectionUnblocked:
        this.#isBlocked = false
        return
      default:
        return this.#answer(method, fields)
    }
  }

  #answer(method: number, fields: FieldReader): void {
    const call = this.#calls.shift()
    if (call?.answer !== method) throw new RangeError(`unexpected method ${method >>> 16}.${method & 0xffff}`)
    if (method === methods.connectionTune) this.#tune(fields)
    call.resolve()
  }

  /** Settles one message, or all messages up to it. */
  #confirm(tag: number, upTo: boolean, error: Error | null): void {
    if (!upTo) return this.#settle(tag, error)
    for (const earlier of this.#unconfirmed.keys()) {
      if (earlier > tag) return
      this.#settle(earlier, error)
    }
  }

  #settle(tag: number, error: Error | null): void {
    const settle = this.#unconfirmed.get(tag)
    this.#unconfirmed.delete(tag)
    settle?.(error)
  }

  /** The server has closed the channel or the connection: sends what is pending, and then nothing more. */
  #end(reason: AmqpError): void {
    this.#outgoing.flush()
    this.#fail(reason, () => void this.#socket.setTimeout(closeTimeoutMs, () => this.#socket.destroy()).end())
  }

  #fail(cause: Error, release = () => void this.#socket.destroy()): void {
    if (this.#failure !== null) return
    this.#failure = cause
    if (this.#heartbeat !== null) clearInterval(this.#heartbeat)
    this.#incoming.stop()
    release()
    for (const { reject } of this.#calls.splice(0)) reject(cause)
    for (const tag of this.#unconfirmed.keys()) this.#settle(tag, cause)
    if (!this.#isClosing) this.#events.lost?.(cause)
  }
}

const closed = () => new Error('the session is closed')

function encodedPublish(exchange: string, key: string, mandatory: boolean): Uint8Array {
  const fields = new FieldWriter().long(methods.basicPublish).short(0).shortText(exchange).shortText(key)
  return fields.bits(mandatory, false).written
}

/** What the server may expect of this client. */
const clientProperties = {
  product: 'Penstock',
  capabilities: {
    publisher_confirms: true,
    'basic.nack': true,
    consumer_cancel_notify: true,
    'connection.blocked': true,
    authentication_failure_close: true,
  },
}
