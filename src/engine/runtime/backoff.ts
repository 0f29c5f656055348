/** Exponential back-off with jitter between a first and a longest delay, optionally bounded in total. */
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

  /** The next time to wait in milliseconds, or undefined where the total would be exceeded. */
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

/** Resolves after a time, early and without error when the signal aborts. */
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
