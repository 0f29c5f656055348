import type { Clock } from '../../base/index.ts'
import { ClosedError } from '../component.ts'

/** A longer one would end at once: Node counts the milliseconds of a timer in 31 bits. */
const maxTimerMs = 2 ** 31 - 1

interface Wait {
  /** In monotonic milliseconds. */
  readonly endsAt: number
  readonly end: (error: ClosedError | null) => void
  timer: ReturnType<typeof setTimeout>
}

/** How a stream ends: a grace period for messages in flight, then everything at once. Components wait through it. */
export class Shutdown {
  readonly #clock: Clock
  readonly #abort = new AbortController()
  readonly #waits = new Set<Wait>()
  #graceEndsAt = Infinity

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Aborts when the time of grace is over. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** The grace period begins: waits that would outlast it end now, because they would be cut off anyway. */
  begin(graceMs: number): void {
    this.#graceEndsAt = this.#clock.monotonic() + graceMs
    this.#cut()
  }

  /** All waits are over. */
  abort(): void {
    this.#abort.abort()
    this.#graceEndsAt = -Infinity
    this.#cut()
  }

  /** Resolves after `ms` milliseconds. Rejects with a {@link ClosedError} as soon as it is known that there is no time for it. */
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
