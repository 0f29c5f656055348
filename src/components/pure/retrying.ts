import { asError, messageOf } from '../../base/index.ts'
import {
  type AckSome,
  Backoff,
  type Batch,
  isClosing,
  type Message,
  type OutputHandle,
  pause,
  type Resources,
} from '../../engine/index.ts'

export interface RetryOptions {
  readonly initialMs: number
  readonly maxMs: number
  readonly maxElapsedMs: number
  /** Attempts after the first; 0 for no limit. */
  readonly maxRetries: number
}

/** Retries indefinitely, half a second to three seconds apart. */
export const forEver: RetryOptions = { initialMs: 500, maxMs: 3000, maxElapsedMs: 0, maxRetries: 0 }

/** Retries writes to an output until they succeed. While one batch is failing, new ones wait. */
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

  /**
   * Resolves once the whole batch is delivered. After a partial failure the whole batch is written again, as in the
   * original.
   */
  async write(batch: Batch): Promise<void> {
    await this.#untilNoneFails()
    await this.#writeAgain(batch, () => this.#output.write(batch))
  }

  /** Like {@link write}, for messages that each form their own batch; each failed message is retried alone. */
  forwardRun(run: readonly Message[], settle: AckSome): void {
    const again = async (message: Message, failure: Error): Promise<void> => {
      let outcome: Error | null = null
      try {
        await this.#writeAgain([message], () => Promise.reject(failure))
      } catch (error) {
        outcome = asError(error)
      }
      await settle([message], outcome)
    }
    const forward = () =>
      this.#output.forwardRun(run, (messages, failure) => {
        if (failure === null || isClosing(failure)) return settle(messages, failure)
        // Not awaited: the acknowledgement of the delivered messages does not wait for the retries.
        for (const message of messages) void again(message, failure)
        return undefined
      })
    if (this.#failing === 0) forward()
    else void this.#untilNoneFails().then(forward)
  }

  async #untilNoneFails(): Promise<void> {
    const { signal } = this.#resources
    while (this.#failing > 0 && !signal.aborted) await pause(20, signal)
  }

  async #writeAgain(batch: Batch, first: () => Promise<void>): Promise<void> {
    const { signal, log, host } = this.#resources
    let attempt: (() => Promise<void>) | undefined = first
    let backoff: Backoff | undefined
    let retries = 0
    try {
      for (;;) {
        try {
          return await (attempt ?? (() => this.#output.write(batch)))()
        } catch (error) {
          if (isClosing(error)) throw error
          attempt = undefined
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
