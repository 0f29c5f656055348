/** Exponential backoff with jitter between an initial and a maximum delay, optionally with a limit on the total. */
export class Backoff {
  readonly #initialMs: number
  readonly #maxMs: number
  readonly #maxElapsedMs: number
  readonly #multiplier: number
  readonly #random: () => number
  #nextMs: number
  #elapsedMs = 0

  constructor(
    options: { initialMs: number; maxMs: number; maxElapsedMs?: number; multiplier?: number },
    random: () => number,
  ) {
    this.#initialMs = options.initialMs
    this.#maxMs = options.maxMs
    this.#maxElapsedMs = options.maxElapsedMs ?? 0
    this.#multiplier = options.multiplier ?? 1.5
    this.#random = random
    this.#nextMs = options.initialMs
  }

  /** The next delay in milliseconds, or undefined if it would exceed the total. */
  next(): number | undefined {
    const waitMs = Math.min(this.#nextMs, this.#maxMs) * (0.5 + this.#random())
    this.#nextMs = Math.min(this.#nextMs * this.#multiplier, this.#maxMs)
    this.#elapsedMs += waitMs
    if (this.#maxElapsedMs > 0 && this.#elapsedMs > this.#maxElapsedMs) return undefined
    return waitMs
  }

  reset(): void {
    this.#nextMs = this.#initialMs
    this.#elapsedMs = 0
  }
}

/** Resolves after `ms` milliseconds, or early and without an error when the signal aborts. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal?.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done, { once: true })
  })
}
