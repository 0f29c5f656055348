import { Buffer } from 'node:buffer'
import type { Delivery, EventContext, Message, Sender } from 'rhea'
import { asError, fieldsOf, messageOf, waitOrAbort } from '../../base/index.ts'
import type { Resources } from '../../engine/index.ts'
import type { AmqpConnection } from './client.ts'

/** A request waiting for its response. */
interface Pending {
  resolve(answer: Message): void
  reject(error: Error): void
}

/** Fraction of a lock's remaining time after which it is renewed. */
const renewalPoint = 0.9
/** Minimum pause between two requests, for locks that expire immediately. */
const minPauseMs = 100

/**
 * Renews the locks of messages at Azure Service Bus while they are in flight, by requests to the management node of
 * their queue ("AMQP request/response-based operations", renew message lock).
 */
export class LockRenewal {
  readonly #sender: Sender
  readonly #library: typeof import('rhea')
  readonly #replyTo: string
  readonly #resources: Resources
  readonly #running = new Map<Delivery, AbortController>()
  readonly #pending = new Map<string, Pending>()
  #requests = 0

  private constructor(sender: Sender, library: typeof import('rhea'), replyTo: string, resources: Resources) {
    this.#sender = sender
    this.#library = library
    this.#replyTo = replyTo
    this.#resources = resources
  }

  /** Opens the links for requests and responses next to that of the messages. */
  static async open(
    connection: AmqpConnection,
    address: string,
    resources: Resources,
    signal: AbortSignal,
  ): Promise<LockRenewal> {
    const library = (await import('rhea')).default
    const node = `${address}/$management`
    const name = resources.host.random().toString(36).slice(2)
    const [request, replyTo] = [`${name}-request`, `${name}-response`]
    const sender = await connection.openSender({ source: { address: request }, target: { address: node } }, signal)
    const renewal = new LockRenewal(sender, library, replyTo, resources)
    const answers = { source: { address: node }, target: { address: replyTo } }
    const receiver = await connection.openReceiver(answers, signal)
    receiver.on('message', ({ message }: EventContext) => message !== undefined && renewal.#answer(message))
    connection.onLost(cause => renewal.#fail(cause))
    return renewal
  }

  /** Keeps the lock of a message until {@link stop}. */
  start(message: unknown, delivery: Delivery): void {
    const stopping = new AbortController()
    this.#running.set(delivery, stopping)
    this.#renew(message, delivery, stopping.signal).catch((error: unknown) => {
      if (!stopping.signal.aborted) this.#resources.log.error(`Unable to renew lock err: ${messageOf(error)}`)
    })
  }

  stop(delivery: Delivery): void {
    this.#running.get(delivery)?.abort()
    this.#running.delete(delivery)
  }

  close(): void {
    for (const stopping of this.#running.values()) stopping.abort()
    this.#running.clear()
    this.#fail(new Error('the connection was closed'))
  }

  async #renew(message: unknown, { tag }: Delivery, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#resources
    let lockedUntil = lockedUntilOf(message)
    const token = this.#library.types.wrap_array([lockToken(Buffer.from(tag))], uuidCode, undefined)
    for (;;) {
      await waitOrAbort(clock, Math.max((lockedUntil.getTime() - clock.now()) * renewalPoint, minPauseMs), signal)
      if (signal.aborted) return
      const answer = await this.#ask({ 'lock-tokens': token }, signal)
      lockedUntil = expirationIn(answer)
      log.trace(`Renewed lock until ${lockedUntil.toISOString()}`)
    }
  }

  /** Sends a request; resolves to its response. Rejects if the signal aborts or the connection is lost. */
  async #ask(body: object, signal: AbortSignal): Promise<Message> {
    const { promise, resolve, reject } = Promise.withResolvers<Message>()
    const id = String(++this.#requests)
    const abort = () => reject(asError(signal.reason))
    this.#pending.set(id, { resolve, reject })
    signal.addEventListener('abort', abort, { once: true })
    try {
      const operation = { operation: 'com.microsoft:renew-lock' }
      this.#sender.send({ message_id: id, reply_to: this.#replyTo, application_properties: operation, body })
      return await promise
    } finally {
      this.#pending.delete(id)
      signal.removeEventListener('abort', abort)
    }
  }

  #answer(message: Message): void {
    this.#pending.get(String(message.correlation_id))?.resolve(message)
  }

  #fail(cause: Error): void {
    for (const { reject } of this.#pending.values()) reject(cause)
  }
}

function lockedUntilOf(message: unknown): Date {
  const time = fieldsOf(fieldsOf(message)['message_annotations'])['x-opt-locked-until']
  if (time instanceof Date) return time
  throw new Error('missing x-opt-locked-until annotation in received message')
}

/** The type code of `uuid`. */
const uuidCode = 0x98

/**
 * The lock token of a message is its delivery tag, a GUID in .NET's layout, with the first three groups in reverse byte
 * order.
 */
function lockToken(tag: Buffer): Buffer {
  if (tag.length !== 16) throw new Error('invalid lock token, token was not 16 bytes long')
  const token = Buffer.from(tag)
  token.subarray(0, 4).reverse()
  token.subarray(4, 6).reverse()
  token.subarray(6, 8).reverse()
  return token
}

/** How long the lock lasts according to a response. Throws if it was not renewed. */
function expirationIn({ application_properties: properties, body }: Message): Date {
  const { statusCode: status, statusDescription: description } = fieldsOf(properties)
  if (status !== 200) throw new Error(`unsuccessful status code ${String(status)}, message ${String(description)}`)
  const expirations = fieldsOf(body)['expirations']
  const expiration: unknown = Array.isArray(expirations) ? expirations[0] : undefined
  if (!(expiration instanceof Date)) throw new Error('missing expirations field in response message values')
  return expiration
}
