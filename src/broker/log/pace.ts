import { type Clock, waitOrAbort } from '../../base/index.ts'

/** How much longer than it works background work rests. */
const REST_FACTOR = 4
const MAX_REST_MS = 1000

/**
 * Keeps background work from taking the disk away from clients: it works a fifth of the time. Where that is not enough, because
 * there is still work after `politeMs`, it goes on without rests.
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

  /** Work begins now; what was before is none. */
  begin(): void {
    this.#workingSince = this.#clock.monotonic()
  }

  /** Rests from the work since `begin` or the last rest, unless it is to stop. */
  async rest(): Promise<void> {
    const now = this.#clock.monotonic()
    const restMs = Math.min(REST_FACTOR * (now - this.#workingSince), MAX_REST_MS, this.#politeUntil - now)
    // Whole milliseconds, as timers have them.
    if (restMs >= 1) await waitOrAbort(this.#clock, Math.floor(restMs), this.#signal)
    this.begin()
  }
}
