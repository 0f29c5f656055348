import type { Clock, Random } from '../../src/base/index.ts'

/**
 * A world in which time passes only when nothing else happens, and chance repeats itself: whatever goes wrong in it goes
 * wrong again with the same seed.
 */
export class World {
  readonly clock: Clock
  readonly random: Random
  readonly #timers: { at: number; order: number; fire(): void }[] = []
  #now = 0
  #order = 0
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
    this.clock = {
      now: () => 1_700_000_000_000 + Math.floor(this.#now),
      monotonic: () => this.#now,
      sleep: (ms, signal) => this.#sleep(ms, signal),
    }
    this.random = { bytes: count => Uint8Array.from({ length: count }, () => this.below(256)) }
  }

  get now(): number {
    return this.#now
  }

  /** A number in [0, 1) (mulberry32). */
  chance(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.chance() * limit)
  }

  /** Whether something of this probability happens. */
  happens(probability: number): boolean {
    return this.chance() < probability
  }

  /** Lets time pass until `body` is done; throws when that takes longer than `limitMs` of the world's time. */
  async run(body: Promise<void>, limitMs: number): Promise<void> {
    let done = false
    const finished = body.finally(() => {
      done = true
    })
    // Waited for below; here it must only not count as unhandled while the world goes on.
    finished.catch(() => undefined)
    for (;;) {
      // Everything that needs no time happens first.
      await new Promise(resolve => setImmediate(resolve))
      if (done) return finished
      const next = this.#timers.sort((a, b) => a.at - b.at || a.order - b.order).shift()
      if (!next) throw new Error(`the world stands still at ${this.#now} ms`)
      this.#now = Math.max(this.#now, next.at)
      if (this.#now > limitMs) throw new Error(`the world is not done after ${limitMs} ms`)
      next.fire()
    }
  }

  #sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const timer = {
        at: this.#now + Math.max(0, ms),
        order: this.#order++,
        fire: () => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        },
      }
      const onAbort = () => {
        const index = this.#timers.indexOf(timer)
        if (index >= 0) this.#timers.splice(index, 1)
        reject(signal!.reason)
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#timers.push(timer)
    })
  }
}
