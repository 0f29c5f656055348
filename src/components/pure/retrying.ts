import {
  Backoff,
  type Batch,
  failuresOf,
  isClosing,
  type OutputHandle,
  PartialFailure,
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

  /** Resolves once all of the batch is delivered. Only the messages that failed are written again. */
  async write(batch: Batch): Promise<void> {
    const { signal, log, host } = this.#resources
    while (this.#failing > 0 && !signal.aborted) await pause(20, signal)
    let backoff: Backoff | undefined
    let retries = 0
    let left = batch
    try {
      for (;;) {
        try {
          return await this.#output.write(left)
        } catch (error) {
          const failures = failuresOf(left, error as Error)
          left = left.filter(message => failures.has(message))
          if (isClosing(error)) throw refusal(batch, left, error as Error)
          if (backoff === undefined) {
            this.#failing++
            backoff = new Backoff(this.#options, () => host.random())
          }
          const { message } = error as Error
          const waitMs = backoff.next()
          retries++
          if (waitMs === undefined || (this.#options.maxRetries > 0 && retries > this.#options.maxRetries)) {
            log.error(`Failed to send message: ${message}`)
            throw refusal(batch, left, new Error('message failed to reach a target destination', { cause: error }))
          }
          log.warn(`Failed to send message: ${message}`)
          await pause(waitMs, signal)
          if (signal.aborted) throw refusal(batch, left, error as Error)
        }
      }
    } finally {
      if (backoff !== undefined) this.#failing--
    }
  }
}

/** The refusal of the messages that are left of a batch. */
function refusal(batch: Batch, left: Batch, reason: Error): Error {
  return left.length === batch.length ? reason : new PartialFailure(new Map(left.map(message => [message, reason])))
}
