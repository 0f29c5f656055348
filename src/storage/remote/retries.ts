import { setTimeout as sleep } from 'node:timers/promises'
import { StorageError } from '../errors.ts'

export interface RetryOptions {
  readonly attempts: number
  readonly firstPauseMs: number
  readonly maxPauseMs: number
}

/**
 * Runs `attempt` until it succeeds, fails permanently, or has been tried `attempts` times. Only
 * `unavailable` is retried, with exponential backoff and jitter (half to all of the pause), so that many
 * clients of a failing store do not return in step.
 */
export async function withRetries<T>(
  options: RetryOptions,
  signal: AbortSignal | undefined,
  attempt: (number: number) => Promise<T>,
): Promise<T> {
  for (let number = 1; ; number++) {
    signal?.throwIfAborted()
    try {
      return await attempt(number)
    } catch (error) {
      if (number >= options.attempts || !isTransient(error)) throw error
    }
    const pauseMs = Math.min(options.maxPauseMs, options.firstPauseMs * 2 ** (number - 1))
    await sleep(pauseMs * (0.5 + Math.random() / 2), undefined, signal === undefined ? {} : { signal })
  }
}

function isTransient(error: unknown): boolean {
  return error instanceof StorageError && error.code === 'unavailable'
}

/**
 * Hedges an unusually slow read with a second identical one and takes whichever result comes first,
 * because stores have long latency tails. In the long run at most one read in twenty is hedged, so that
 * a slow store does not get twice the load.
 */
export class Hedge {
  static readonly #costPerRead = 0.05
  static readonly #maxBudget = 10
  readonly #minMs: number
  /** Slowly adapting estimate of the 95th percentile of read latency, in milliseconds. */
  #usualMs: number
  #budget = 2

  constructor(minMs: number) {
    this.#minMs = minMs
    this.#usualMs = minMs
  }

  async run<T>(signal: AbortSignal | undefined, read: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.#budget = Math.min(Hedge.#maxBudget, this.#budget + Hedge.#costPerRead)
    const startedAt = performance.now()
    // Aborts whichever read is no longer needed.
    const over = new AbortController()
    const both = signal === undefined ? over.signal : AbortSignal.any([signal, over.signal])
    try {
      const result = await this.#firstOrSecond(() => read(both))
      this.#learn(performance.now() - startedAt)
      return result
    } finally {
      over.abort()
    }
  }

  async #firstOrSecond<T>(read: () => Promise<T>): Promise<T> {
    const first = read()
    const settled = first.then(
      () => true,
      () => true,
    )
    const timer = new AbortController()
    const waitMs = Math.max(this.#minMs, this.#usualMs * 2)
    const isSlow = sleep(waitMs, false, { signal: timer.signal }).catch(() => true)
    const inTime = await Promise.race([settled, isSlow])
    timer.abort()
    if (inTime || this.#budget < 1) return first
    this.#budget -= 1
    return Promise.any([first, read()]).catch((error: unknown) => {
      throw error instanceof AggregateError ? error.errors[0] : error
    })
  }

  /** Rises quickly on slow reads and falls slowly on fast ones, so it settles near the 95th percentile. */
  #learn(tookMs: number): void {
    const step = this.#usualMs * 0.02
    this.#usualMs = Math.max(1, this.#usualMs + (tookMs > this.#usualMs ? step * 19 : -step))
  }
}
