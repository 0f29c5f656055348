import { type Clock, waitOrAbort } from '../../base/index.ts'

/** Ratio of idle time to working time for background work that mostly uses the disk. */
const REST_FACTOR = 4
/** The same for work that has become urgent: even then clients get every other turn of the disk and the event loop. */
const URGENT_REST_FACTOR = 1
const MAX_REST_MS = 1000

/**
 * Limits background work to a share of the time, a fifth unless told otherwise, so that it leaves the disk and the event
 * loop to clients. If work remains after `politeMs` milliseconds, it takes half of the time.
 */
export class Pace {
  readonly #clock: Clock
  readonly #signal: AbortSignal
  readonly #politeUntil: number
  readonly #restFactor: number
  #workingSince: number

  constructor(clock: Clock, politeMs: number, signal: AbortSignal, restFactor = REST_FACTOR) {
    this.#clock = clock
    this.#signal = signal
    this.#restFactor = restFactor
    this.#workingSince = clock.monotonic()
    this.#politeUntil = this.#workingSince + politeMs
  }

  /** Marks the beginning of work; earlier time does not count. */
  begin(): void {
    this.#workingSince = this.#clock.monotonic()
  }

  /** Whether at least this many milliseconds have passed since `begin` or the last pause. */
  hasWorkedFor(ms: number): boolean {
    return this.#clock.monotonic() - this.#workingSince >= ms
  }

  /** Pauses in proportion to the work since `begin` or the last pause, unless the signal aborts. */
  async rest(): Promise<void> {
    const now = this.#clock.monotonic()
    const workedMs = now - this.#workingSince
    const politeMs = Math.min(this.#restFactor * workedMs, this.#politeUntil - now)
    const urgentMs = Math.min(this.#restFactor, URGENT_REST_FACTOR) * workedMs
    const restMs = Math.min(Math.max(politeMs, urgentMs), MAX_REST_MS)
    // Whole milliseconds, the resolution of timers.
    if (restMs >= 1) await waitOrAbort(this.#clock, Math.floor(restMs), this.#signal)
    this.begin()
  }
}
