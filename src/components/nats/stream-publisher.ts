import type { Msg, MsgHdrs, NatsConnection } from '@nats-io/transport-node'
import { type Clock, isRecord } from '../../base/index.ts'

/** How long a stream may take to confirm a message, in milliseconds, as in the original's client. */
const ANSWER_TIMEOUT_MS = 5000
/** Interval of the checks for overdue confirmations, in milliseconds. */
const LOOK_EVERY_MS = 1000

/** A message that no stream has confirmed yet. */
interface Pending {
  readonly subject: string
  readonly dueAt: number
  /** Whether it was already overdue at the last check. */
  wasDue: boolean
  resolve(): void
  reject(error: Error): void
}

/**
 * Publishes messages to streams and waits for their confirmations, which arrive on a single subscription. The library's
 * own publisher uses a timer, a promise race and a random name per message, which takes twice the processor time.
 */
export class StreamPublisher {
  readonly #connection: NatsConnection
  readonly #clock: Clock
  readonly #inbox: string
  /** Keyed by the last token of the reply subject, in the order of their deadlines. */
  readonly #pending = new Map<string, Pending>()
  #count = 0
  #isLooking = false

  private constructor(connection: NatsConnection, clock: Clock, inbox: string) {
    this.#connection = connection
    this.#clock = clock
    this.#inbox = inbox
    connection.subscribe(`${inbox}*`, {
      callback: (error, message) => (error === null ? this.#take(message) : this.#failAll(error)),
    })
    void connection.closed().then(error => this.#failAll(error ?? new Error('the connection was closed')))
    void this.#watchRights()
  }

  static async open(connection: NatsConnection, clock: Clock): Promise<StreamPublisher> {
    const { createInbox } = await import('@nats-io/transport-node')
    return new StreamPublisher(connection, clock, `${createInbox()}.`)
  }

  /**
   * Resolves once a stream has stored the message. Rejects if no stream collects the subject, if the stream rejects the
   * message, and after 5 seconds.
   */
  publish(subject: string, payload: Uint8Array, headers: MsgHdrs | undefined): Promise<void> {
    const token = (this.#count++).toString(36)
    const reply = this.#inbox + token
    this.#connection.publish(subject, payload, headers === undefined ? { reply } : { reply, headers })
    return new Promise((resolve, reject) => {
      const dueAt = this.#clock.monotonic() + ANSWER_TIMEOUT_MS
      this.#pending.set(token, { subject, dueAt, wasDue: false, resolve, reject })
      if (!this.#isLooking) void this.#lookForOverdue()
    })
  }

  #take(message: Msg): void {
    const token = message.subject.slice(this.#inbox.length)
    const pending = this.#pending.get(token)
    if (pending === undefined) return // it arrived too late
    this.#pending.delete(token)
    const error = refusalIn(message, pending.subject)
    if (error === null) pending.resolve()
    else pending.reject(error)
  }

  /** After this process was busy, confirmations may be waiting unread, so overdue ones have until the next check. */
  async #lookForOverdue(): Promise<void> {
    this.#isLooking = true
    while (this.#pending.size > 0) {
      await this.#clock.sleep(LOOK_EVERY_MS)
      const now = this.#clock.monotonic()
      for (const [token, each] of this.#pending) {
        if (each.dueAt > now) break
        if (each.wasDue) {
          this.#pending.delete(token)
          each.reject(new Error(`no stream confirmed a message on subject '${each.subject}' within 5 seconds`))
        }
        each.wasDue = true
      }
    }
    this.#isLooking = false
  }

  /** The server reports permission errors for a subject, without the message that caused them. */
  async #watchRights(): Promise<void> {
    const { PermissionViolationError } = await import('@nats-io/transport-node')
    for await (const status of this.#connection.status()) {
      if (status.type !== 'error' || !(status.error instanceof PermissionViolationError)) continue
      const { error } = status
      if (error.operation === 'subscription') this.#failAll(error)
      else this.#fail(error, each => each.subject === error.subject)
    }
  }

  #failAll(error: Error): void {
    this.#fail(error, () => true)
  }

  #fail(error: Error, isMeant: (pending: Pending) => boolean): void {
    for (const [token, each] of this.#pending) {
      if (!isMeant(each)) continue
      this.#pending.delete(token)
      each.reject(error)
    }
  }
}

/** Why a message was not stored, according to the reply; null if it was. */
function refusalIn(message: Msg, subject: string): Error | null {
  // The server's reply for a subject without subscribers.
  if (message.data.length === 0 && message.headers?.code === 503) {
    return new Error(`no response from stream: no stream collects the subject '${subject}'`)
  }
  let answer: unknown
  try {
    answer = JSON.parse(message.string())
  } catch {
    answer = null // reported below
  }
  if (!isRecord(answer)) return new Error(`the response on subject '${subject}' is not from a stream`)
  const { error, stream } = answer
  if (isRecord(error)) return new Error(`stream refused the message: ${String(error['description'] ?? error['code'])}`)
  if (typeof stream === 'string' && stream !== '') return null
  return new Error(`the response on subject '${subject}' is not from a stream`)
}
