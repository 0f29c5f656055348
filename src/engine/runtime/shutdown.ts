import type { Clock } from '../../base/index.ts'
import { ClosedError } from '../component.ts'

/** Longer timers would fire immediately: Node stores their milliseconds in 31 bits. */
const maxTimerMs = 2 ** 31 - 1

interface Wait {
  /** Monotonic time in milliseconds. */
  readonly endsAt: number
  readonly end: (error: ClosedError | null) => void
  timer: ReturnType<typeof setTimeout>
}

/**
 * The shutdown of a stream: a grace period for messages in flight, then an immediate end. Components wait through this.
 */
export class Shutdown {
  readonly #clock: Clock
  readonly #abort = new AbortController()
  readonly #waits = new Set<Wait>()
  #graceEndsAt = Infinity

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Aborts when the grace period is over. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Starts the grace period. Waits that would outlast it end immediately, because they would be cut short anyway. */
  begin(graceMs: number): void {
    this.#graceEndsAt = this.#clock.monotonic() + graceMs
    this.#cut()
  }

  /** Ends all waits. */
  abort(): void {
    this.#abort.abort()
    this.#graceEndsAt = -Infinity
    this.#cut()
  }

  /**
   * Resolves after `ms` milliseconds. Rejects with a {@link ClosedError} as soon as the remaining time cannot suffice.
   */
  wait(ms: number): Promise<void> {
    const endsAt = this.#clock.monotonic() + ms
    if (endsAt > this.#graceEndsAt) return Promise.reject(new ClosedError())
    return new Promise((resolve, reject) => {
      const wait: Wait = {
        endsAt,
        end: error => {
          clearTimeout(wait.timer)
          this.#waits.delete(wait)
          if (error === null) resolve()
          else reject(error)
        },
        timer: this.#timer(endsAt, () => wait),
      }
      this.#waits.add(wait)
    })
  }

  #timer(endsAt: number, wait: () => Wait): ReturnType<typeof setTimeout> {
    const leftMs = Math.max(0, endsAt - this.#clock.monotonic())
    if (leftMs <= maxTimerMs) return setTimeout(() => wait().end(null), leftMs)
    return setTimeout(() => {
      wait().timer = this.#timer(endsAt, wait)
    }, maxTimerMs)
  }

  #cut(): void {
    for (const wait of this.#waits) if (wait.endsAt > this.#graceEndsAt) wait.end(new ClosedError())
  }
}
