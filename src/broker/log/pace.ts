import { type Clock, waitOrAbort } from '../../base/index.ts'

/** Ratio of idle time to working time for background work. */
const REST_FACTOR = 4
const MAX_REST_MS = 1000

/**
 * Limits background work to a fifth of the time, so that it leaves the disk to clients. If work remains after
 * `politeMs` milliseconds, it continues without pauses.
 */
export class Pace {
  readonly #clock: Clock
  readonly #signal: AbortSignal
  readonly #politeUntil: number
  #workingSince: number

  constructor(clock: Clock, politeMs: number, signal: AbortSignal) {
    this.#clock = clock
    this.#signal = signal
    this.#workingSince = clock.monotonic()
    this.#politeUntil = this.#workingSince + politeMs
  }

  /** Marks the beginning of work; earlier time does not count. */
  begin(): void {
    this.#workingSince = this.#clock.monotonic()
  }

  /** Pauses in proportion to the work since `begin` or the last pause, unless the signal aborts. */
  async rest(): Promise<void> {
    const now = this.#clock.monotonic()
    const restMs = Math.min(REST_FACTOR * (now - this.#workingSince), MAX_REST_MS, this.#politeUntil - now)
    // Whole milliseconds, the resolution of timers.
    if (restMs >= 1) await waitOrAbort(this.#clock, Math.floor(restMs), this.#signal)
    this.begin()
  }
}
