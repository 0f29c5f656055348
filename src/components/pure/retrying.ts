import {
  Backoff,
  type Batch,
  BatchError,
  isClosing,
  type OutputHandle,
  pause,
  type Resources,
} from '../../engine/index.ts'

export interface RetryOptions {
  readonly initialMs: number
  readonly maxMs: number
  readonly maxElapsedMs: number
  /** Attempts beyond the first; 0 for no limit. */
  readonly maxRetries: number
}

/** Without an end, half a second to three seconds apart. */
export const forEver: RetryOptions = { initialMs: 500, maxMs: 3000, maxElapsedMs: 0, maxRetries: 0 }

/** Writes to an output again until it succeeds. While one batch fails, new ones wait. */
export class RetryingWriter {
  readonly #output: OutputHandle
  readonly #options: RetryOptions
  readonly #resources: Resources
  #failing = 0

  constructor(output: OutputHandle, options: RetryOptions, resources: Resources) {
    this.#output = output
    this.#options = options
    this.#resources = resources
  }

  async write(batch: Batch): Promise<void> {
    const { signal, log, host } = this.#resources
    while (this.#failing > 0 && !signal.aborted) await pause(20, signal)
    let backoff: Backoff | undefined
    let places = batch.messages.map((_, index) => index)
    let current = batch
    let retries = 0
    try {
      for (;;) {
        try {
          await this.#output.write(current)
          return
        } catch (error) {
          if (isClosing(error)) throw refusal(batch, places, error as Error)
          if (backoff === undefined) {
            this.#failing++
            backoff = new Backoff(this.#options, () => host.random())
          }
          const failure = error as Error
          const waitMs = backoff.next()
          retries++
          if (waitMs === undefined || (this.#options.maxRetries > 0 && retries > this.#options.maxRetries)) {
            log.error(`Failed to send message: ${failure.message}`)
            throw refusal(batch, places, new Error('message failed to reach a target destination'))
          }
          log.warn(`Failed to send message: ${failure.message}`)
          await pause(waitMs, signal)
          if (signal.aborted) throw refusal(batch, places, failure)
          if (batch.solo && failure instanceof BatchError) {
            // Messages that are batches of their own are sent again one by one; a batch always as a whole.
            const indexes = [...failure.failures.keys()].toSorted((left, right) => left - right)
            places = indexes.map(index => places[index]!)
            current = { messages: places.map(place => batch.messages[place]!), solo: places.length > 1 }
          }
        }
      }
    } finally {
      if (backoff !== undefined) this.#failing--
    }
  }
}

/** The refusal of the messages that are left. */
function refusal(batch: Batch, places: readonly number[], reason: Error): Error {
  return places.length === batch.messages.length
    ? reason
    : new BatchError(new Map(places.map(place => [place, reason])))
}
