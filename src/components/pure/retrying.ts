import { messageOf } from '../../base/index.ts'
import { Backoff, type Batch, isClosing, type OutputHandle, pause, type Resources } from '../../engine/index.ts'

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

  /** Resolves once all of the batch is delivered. Where it failed in part it is written again as a whole, as in the original. */
  async write(batch: Batch): Promise<void> {
    const { signal, log, host } = this.#resources
    while (this.#failing > 0 && !signal.aborted) await pause(20, signal)
    let backoff: Backoff | undefined
    let retries = 0
    try {
      for (;;) {
        try {
          return await this.#output.write(batch)
        } catch (error) {
          if (isClosing(error)) throw error
          if (backoff === undefined) {
            this.#failing++
            backoff = new Backoff(this.#options, () => host.random())
          }
          const message = messageOf(error)
          const waitMs = backoff.next()
          retries++
          if (waitMs === undefined || (this.#options.maxRetries > 0 && retries > this.#options.maxRetries)) {
            log.error(`Failed to send message: ${message}`)
            throw new Error('message failed to reach a target destination', { cause: error })
          }
          log.warn(`Failed to send message: ${message}`)
          await pause(waitMs, signal)
          if (signal.aborted) throw error
        }
      }
    } finally {
      if (backoff !== undefined) this.#failing--
    }
  }
}
