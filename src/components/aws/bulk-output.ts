import { asError, messageOf } from '../../base/index.ts'
import { type Batch, type Message, type Output, type Resources, throwFailures } from '../../engine/index.ts'
import { isFinal, pausesOf, type RetryConfig } from './retries.ts'

/** What became of an entry of a request: null where it arrived, else why not, and whether it may when it is sent again. */
export type Outcome = null | { readonly error: Error; readonly isFinal: boolean }

/** A service that takes many messages by one request. */
export interface BulkService<E> {
  /** Of one request. */
  readonly maxCount: number
  readonly maxBytes: number
  connect(): Promise<void>
  /** What a message becomes; throws where it cannot. */
  entryOf(batch: Batch, index: number): E
  /** As it counts for `maxBytes`. */
  sizeOf(entry: E): number
  /** Sends one request; the outcome of each entry at its place. Throws where none arrived. */
  send(entries: readonly E[], signal: AbortSignal): Promise<readonly Outcome[]>
  close(): void
}

interface Item<E> {
  readonly place: number
  readonly entry: E
}

/**
 * An output by requests for many messages. What was throttled is sent again with the configured pauses, before what comes
 * after it, and each message has an outcome of its own.
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

  /** Sends the entries of one request until each arrived or failed for good, and notes the errors. */
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
        // Nothing counts as delivered that has no answer.
        const error = result?.error ?? new Error('the service did not say what became of the message')
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

  /** Entries as they go together, in their order. */
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
