import { asError } from '../../base/index.ts'
import type { NatsConnection } from '@nats-io/transport-node'
import { type Batch, type Message, NotConnectedError, type Output, throwOutcomes } from '../../engine/index.ts'
import { flushed } from './client.ts'

/** Publishes one message; if it returns a promise, that settles once the message has arrived. */
export type Publish = (batch: Batch, index: number) => void | Promise<unknown>

/** An output over one connection, which publishes the messages of a run concurrently. */
export class Publisher implements Output {
  readonly #connect: () => Promise<NatsConnection>
  readonly #bind: (connection: NatsConnection) => Promise<Publish>
  /** Whether to flush after publishing, so that messages published without a promise have reached the server. */
  readonly #flushes: boolean
  #connection: NatsConnection | null = null
  #publish: Publish | null = null

  constructor(
    connect: () => Promise<NatsConnection>,
    bind: (connection: NatsConnection) => Promise<Publish>,
    options: { readonly flushes: boolean },
  ) {
    this.#connect = connect
    this.#bind = bind
    this.#flushes = options.flushes
  }

  async connect(): Promise<void> {
    // Writes that were in flight together each report the loss, some of them after the engine has reconnected.
    if (this.#connection?.isClosed() === false) return
    const connection = await this.#connect()
    try {
      this.#publish = await this.#bind(connection)
      this.#connection = connection
    } catch (error) {
      await connection.close()
      throw error
    }
  }

  async write(batch: Batch): Promise<void> {
    const outcomes = await this.#send(batch, (publish, index) => publish(batch, index))
    throwOutcomes(batch, outcomes)
  }

  writeRun(run: readonly Message[]): Promise<readonly (Error | null)[]> {
    return this.#send(run, (publish, index) => publish([run[index]!], 0))
  }

  async close(): Promise<void> {
    await this.#connection?.close()
    this.#connection = null
  }

  async #send(
    messages: readonly Message[],
    send: (publish: Publish, index: number) => void | Promise<unknown>,
  ): Promise<readonly (Error | null)[]> {
    const connection = this.#connection
    const publish = this.#publish
    if (connection === null || publish === null || connection.isClosed()) throw new NotConnectedError()
    const outcomes: (Error | null)[] = Array<null>(messages.length).fill(null)
    const reasonOf = (error: unknown) => (connection.isClosed() ? new NotConnectedError(error) : asError(error))
    const pending: Promise<unknown>[] = []
    for (let i = 0; i < messages.length; i++) {
      try {
        const sent = send(publish, i)
        if (sent instanceof Promise) pending.push(sent.catch((error: unknown) => void (outcomes[i] = reasonOf(error))))
      } catch (error) {
        outcomes[i] = reasonOf(error)
      }
    }
    await Promise.all(pending)
    if (this.#flushes) await this.#flush(connection)
    return outcomes
  }

  async #flush(connection: NatsConnection): Promise<void> {
    try {
      await flushed(connection)
    } catch (error) {
      throw new NotConnectedError(error)
    }
  }
}
