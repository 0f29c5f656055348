import { asError, messageOf } from '../../base/index.ts'
import { type Batch, type Message, type Output, type Resources, throwFailures } from '../../engine/index.ts'
import { isFinal, pausesOf, type RetryConfig } from './retries.ts'

/**
 * The outcome of one entry of a request: null if it arrived, otherwise the error and whether a retry would fail as
 * well.
 */
export type Outcome = null | { readonly error: Error; readonly isFinal: boolean }

/** A service that accepts many messages in one request. */
export interface BulkService<E> {
  /** Limit of one request; likewise `maxBytes`. */
  readonly maxCount: number
  readonly maxBytes: number
  connect(): Promise<void>
  /** Builds the entry of a message; throws if the message cannot be sent. */
  entryOf(batch: Batch, index: number): E
  /** The entry's size as counted towards `maxBytes`. */
  sizeOf(entry: E): number
  /** Sends one request and returns the outcome of each entry, by index. Throws if none arrived. */
  send(entries: readonly E[], signal: AbortSignal): Promise<readonly Outcome[]>
  close(): void
}

interface Item<E> {
  readonly place: number
  readonly entry: E
}

/**
 * An output that sends many messages per request. Throttled messages are resent with the configured pauses, before the
 * messages that follow, and each message has its own outcome.
 */
export class BulkOutput<E> implements Output {
  readonly #service: BulkService<E>
  readonly #retries: RetryConfig
  readonly #resources: Resources

  constructor(service: BulkService<E>, retries: RetryConfig, resources: Resources) {
    this.#service = service
    this.#retries = retries
    this.#resources = resources
  }

  connect(): Promise<void> {
    return this.#service.connect()
  }

  async write(batch: Batch, signal: AbortSignal): Promise<void> {
    const outcomes = await this.#deliver(batch, index => this.#service.entryOf(batch, index), signal)
    const failures = new Map<Message, Error>()
    for (const [index, error] of outcomes.entries()) if (error !== null) failures.set(batch[index]!, error)
    throwFailures(batch, failures)
  }

  writeRun(run: readonly Message[], signal: AbortSignal): Promise<readonly (Error | null)[]> {
    return this.#deliver(run, index => this.#service.entryOf([run[index]!], 0), signal)
  }

  async close(): Promise<void> {
    this.#service.close()
  }

  async #deliver(
    messages: readonly Message[],
    entryAt: (index: number) => E,
    signal: AbortSignal,
  ): Promise<readonly (Error | null)[]> {
    const outcomes = Array<Error | null>(messages.length).fill(null)
    const items: Item<E>[] = []
    for (let place = 0; place < messages.length; place++) {
      try {
        items.push({ place, entry: entryAt(place) })
      } catch (error) {
        outcomes[place] = asError(error)
      }
    }
    for (const request of this.#requests(items)) await this.#sendAll(request, outcomes, signal)
    return outcomes
  }

  /**
   * Sends the entries of one request until each has arrived or failed permanently, and stores their errors in
   * `outcomes`.
   */
  async #sendAll(request: readonly Item<E>[], outcomes: (Error | null)[], signal: AbortSignal): Promise<void> {
    const nextPause = pausesOf(this.#retries, this.#resources)
    let pending = request
    for (;;) {
      const results = await this.#send(pending, signal)
      const failed: Item<E>[] = []
      let reason: Error | undefined
      for (const [index, item] of pending.entries()) {
        const result = results[index]
        if (result === null) {
          outcomes[item.place] = null
          continue
        }
        // An entry without a result does not count as delivered.
        const error = result?.error ?? new Error('the service returned no result for the message')
        outcomes[item.place] = error
        if (result?.isFinal === true) continue
        reason ??= error
        failed.push(item)
      }
      if (reason === undefined) return
      const pauseMs = signal.aborted ? undefined : nextPause()
      if (pauseMs === undefined) return
      this.#resources.log.warn(
        `Sending ${failed.length} messages again after ${Math.round(pauseMs)} ms: ${messageOf(reason)}`,
      )
      await this.#resources.wait(pauseMs)
      pending = failed
    }
  }

  async #send(items: readonly Item<E>[], signal: AbortSignal): Promise<readonly Outcome[]> {
    try {
      return await this.#service.send(
        items.map(({ entry }) => entry),
        signal,
      )
    } catch (error) {
      return items.map(() => ({ error: asError(error), isFinal: isFinal(error) }))
    }
  }

  /** Groups the entries into requests, in order. */
  *#requests(items: readonly Item<E>[]): Generator<readonly Item<E>[]> {
    const { maxCount, maxBytes } = this.#service
    let current: Item<E>[] = []
    let bytes = 0
    for (const item of items) {
      const size = this.#service.sizeOf(item.entry)
      if (current.length === maxCount || (current.length > 0 && bytes + size > maxBytes)) {
        yield current
        current = []
        bytes = 0
      }
      current.push(item)
      bytes += size
    }
    if (current.length > 0) yield current
  }
}
