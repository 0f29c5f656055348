import type { Clock, Random } from '../../src/base/index.ts'
import { Choices } from '../choices.ts'

interface Timer {
  readonly at: number
  readonly order: number
  fire(): void
}

/**
 * A deterministic simulation: time advances only when nothing else can happen, and randomness is seeded, so a failure
 * recurs with the same seed.
 */
export class World {
  readonly clock: Clock
  readonly random: Random
  /** Decides what happens, and how much of it. */
  readonly choices: Choices
  /** Latest first; of those at the same time, the one that was set last. */
  readonly #timers: Timer[] = []
  #now = 0
  #order = 0
  #history = 0

  constructor(seed: number) {
    this.choices = new Choices(seed)
    this.clock = {
      now: () => 1_700_000_000_000 + Math.floor(this.#now),
      monotonic: () => this.#now,
      sleep: (ms, signal) => this.#sleep(ms, signal),
    }
    this.random = { bytes: count => Uint8Array.from({ length: count }, () => this.choices.below(256)) }
  }

  get now(): number {
    return this.#now
  }

  /** A number that differs, most likely, if anything happened otherwise or at another time. */
  get history(): number {
    return this.#history
  }

  /** Advances time until `body` is done; throws if that takes longer than `limitMs` of simulated time. */
  async run(body: Promise<void>, limitMs: number): Promise<void> {
    let done = false
    const finished = body.finally(() => {
      done = true
    })
    // Awaited below; this only keeps a rejection from being reported as unhandled in the meantime.
    finished.catch(() => undefined)
    for (;;) {
      // Everything that needs no time happens first.
      await new Promise(resolve => setImmediate(resolve))
      if (done) return finished
      const next = this.#timers.pop()
      if (!next) throw new Error(`the simulation is stuck at ${this.#now} ms: no timer is pending`)
      this.#now = Math.max(this.#now, next.at)
      if (this.#now > limitMs) throw new Error(`the simulation did not finish within ${limitMs} ms of simulated time`)
      this.#history = mix(this.#history, next.at, next.order, this.choices.state)
      next.fire()
    }
  }

  /** The number of timers that fire later. */
  #placeOf({ at }: Timer): number {
    let [from, to] = [0, this.#timers.length]
    while (from < to) {
      const middle = (from + to) >>> 1
      if (this.#timers[middle]!.at > at) from = middle + 1
      else to = middle
    }
    return from
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
      this.#timers.splice(this.#placeOf(timer), 0, timer)
    })
  }
}

function mix(...numbers: readonly number[]): number {
  return numbers.reduce((mixed, number) => Math.imul(mixed ^ (number | 0), 0x01000193) >>> 0, 0x811c9dc5)
}
