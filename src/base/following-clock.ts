import { type Clock, systemClock, waitOrAbort } from './clock.ts'
import { messageOf } from './error.ts'
import type { Log } from './log.ts'

/** How often the other clock is read, in milliseconds. */
const calibrationMs = 60_000
/** A larger difference, in milliseconds, means that this machine's clock is not synchronised by NTP. */
const suspiciousMs = 5000

export interface FollowingClockOptions {
  /** Reads the other clock, in milliseconds since 1970. */
  readonly read: () => Promise<number>
  /** Name of the other clock's owner, for the log. */
  readonly owner: string
  readonly log: Log
  /** The clock of this machine; defaults to the system's. */
  readonly own?: Clock
}

/**
 * Follows another clock: reads it periodically and extrapolates with the monotonic time of this
 * process in between. Machines that work on the same data need one time, or one of them would see as
 * an hour old what another has just written.
 */
export class FollowingClock implements Clock {
  readonly #read: () => Promise<number>
  readonly #owner: string
  readonly #log: Log
  readonly #own: Clock
  readonly #stop = new AbortController()
  #following: Promise<void> = Promise.resolve()
  #offsetMs = 0

  /** Rejects when the other clock cannot be read now; if a later read fails, the clock keeps extrapolating. */
  static async open(options: FollowingClockOptions): Promise<FollowingClock> {
    const clock = new FollowingClock(options)
    await clock.#calibrate()
    clock.#following = clock.#follow()
    return clock
  }

  private constructor({ read, owner, log, own = systemClock }: FollowingClockOptions) {
    this.#read = read
    this.#owner = owner
    this.#log = log
    this.#own = own
  }

  now(): number {
    return Math.floor(this.#own.monotonic() + this.#offsetMs)
  }

  monotonic(): number {
    return this.#own.monotonic()
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return this.#own.sleep(ms, signal)
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#following
  }

  /** The result is never ahead: the reading is older than the monotonic time that it is compared with. */
  async #calibrate(): Promise<void> {
    this.#offsetMs = (await this.#read()) - this.#own.monotonic()
    const differenceMs = this.#own.now() - this.now()
    if (Math.abs(differenceMs) < suspiciousMs) return
    const difference = `${Math.round(Math.abs(differenceMs) / 1000)} s ${differenceMs > 0 ? 'ahead of' : 'behind'}`
    this.#log.warn(
      `the clock of this machine is ${difference} that of ${this.#owner}, which is used instead: synchronise this machine with NTP`,
    )
  }

  async #follow(): Promise<void> {
    for (;;) {
      await waitOrAbort(this.#own, calibrationMs, this.#stop.signal)
      if (this.#stop.signal.aborted) return
      try {
        await this.#calibrate()
      } catch (error) {
        this.#log.warn(`the clock of ${this.#owner} could not be read`, { error: messageOf(error) })
      }
    }
  }
}
