import { setTimeout as sleep } from 'node:timers/promises'
import { StorageError } from '../errors.ts'

export interface RetryOptions {
  readonly attempts: number
  readonly firstPauseMs: number
  readonly maxPauseMs: number
}

/**
 * Runs `attempt` until it succeeds, fails for good, or has been tried `attempts` times. Only `unavailable` is tried
 * again, after a pause that doubles with every try and of which a random half to whole is waited, so that many clients
 * of a store in trouble do not come back together.
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
 * Starts a second, equal read where the first takes unusually long, and takes whichever answers first: stores have slow
 * tails. At most one read in twenty is doubled in the long run, so that a slow store is not loaded twice.
 */
export class Hedge {
  static readonly #costPerRead = 0.05
  static readonly #maxBudget = 10
  readonly #minMs: number
  /** A slowly moving estimate of how long 95 % of reads take, in milliseconds. */
  #usualMs: number
  #budget = 2

  constructor(minMs: number) {
    this.#minMs = minMs
    this.#usualMs = minMs
  }

  async run<T>(signal: AbortSignal | undefined, read: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.#budget = Math.min(Hedge.#maxBudget, this.#budget + Hedge.#costPerRead)
    const startedAt = performance.now()
    // Whichever read is no longer needed is taken back.
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

  /** Rises quickly on slow reads and falls slowly on quick ones, which settles near the 95th percentile. */
  #learn(tookMs: number): void {
    const step = this.#usualMs * 0.02
    this.#usualMs = Math.max(1, this.#usualMs + (tookMs > this.#usualMs ? step * 19 : -step))
  }
}
