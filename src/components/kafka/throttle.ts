import { messageOf } from '../../base/index.ts'
import { type Delivery, pause, type Resources } from '../../engine/index.ts'

/** Hands on deliveries as fast as a rate limit allows: each of their batches is one use of it. */
export class Throttle {
  readonly #limit: ReturnType<Resources['rateLimit']>
  readonly #resources: Resources

  /** Throws `ConfigError` where there is no rate limit of that name. */
  constructor(label: string, resources: Resources) {
    this.#limit = resources.rateLimit(label)
    this.#resources = resources
  }

  /**
   * Waits until a batch of the delivery may go on. Returns as many as may, and those that have to wait; nothing may where the
   * signal aborts first.
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

  /** The milliseconds to wait before the next attempt, 0 where one may go on. */
  async #access(): Promise<number> {
    try {
      return await this.#limit.access()
    } catch (error) {
      this.#resources.log.error(`Rate limit error: ${messageOf(error)}`)
      return 1000
    }
  }
}
