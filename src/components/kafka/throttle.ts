import { messageOf } from '../../base/index.ts'
import { type Delivery, pause, type Resources } from '../../engine/index.ts'

/** Delays deliveries to stay within a rate limit; each batch counts as one use. */
export class Throttle {
  readonly #limit: ReturnType<Resources['rateLimit']>
  readonly #resources: Resources

  /** Throws `ConfigError` where there is no rate limit of that name. */
  constructor(label: string, resources: Resources) {
    this.#limit = resources.rateLimit(label)
    this.#resources = resources
  }

  /**
   * Waits until a batch of the delivery may pass. Returns those that may pass and those that have to wait; none pass
   * when the signal aborts first.
   */
  async take(
    delivery: Delivery,
    signal: AbortSignal,
  ): Promise<{ readonly allowed: Delivery | null; readonly rest: Delivery | null }> {
    const { batches } = delivery
    const part = (from: number, to: number): Delivery | null => {
      const messages = batches.slice(from, to).flat()
      return messages.length === 0 ? null : delivery.like(messages, (some, error) => delivery.settle(some, error))
    }
    for (let count = 0; count < batches.length; ) {
      const waitMs = await this.#access()
      if (waitMs <= 0) count++
      else if (count > 0) return { allowed: part(0, count), rest: part(count, batches.length) }
      else await pause(waitMs, signal)
      if (count === 0 && signal.aborted) return { allowed: null, rest: delivery }
    }
    return { allowed: delivery, rest: null }
  }

  /** The milliseconds to wait before the next attempt, 0 if none. */
  async #access(): Promise<number> {
    try {
      return await this.#limit.access()
    } catch (error) {
      this.#resources.log.error(`Rate limit error: ${messageOf(error)}`)
      return 1000
    }
  }
}
