import type { Clock } from '../../base/index.ts'

/**
 * Many timers behind one sleep. Moving a deadline later, as every heartbeat does, costs only an update of a map entry:
 * the sleep ends at the old time, finds nothing due and continues.
 */
export class Deadlines<Key> {
  readonly #clock: Clock
  readonly #onDue: (key: Key) => void
  /** In monotonic milliseconds. */
  readonly #deadlines = new Map<Key, number>()
  #wakesAt = Infinity
  #sleep: AbortController | undefined
  #closed = false

  constructor(clock: Clock, onDue: (key: Key) => void) {
    this.#clock = clock
    this.#onDue = onDue
  }

  set(key: Key, delayMs: number): void {
    if (this.#closed) return
    const deadline = this.#clock.monotonic() + delayMs
    this.#deadlines.set(key, deadline)
    if (deadline < this.#wakesAt) this.#sleepUntil(deadline)
  }

  clear(key: Key): void {
    this.#deadlines.delete(key)
  }

  close(): void {
    this.#closed = true
    this.#deadlines.clear()
    this.#sleep?.abort()
  }

  #sleepUntil(deadline: number): void {
    this.#sleep?.abort()
    const sleep = new AbortController()
    this.#sleep = sleep
    this.#wakesAt = deadline
    const delayMs = Math.max(1, Math.ceil(deadline - this.#clock.monotonic()))
    this.#clock.sleep(delayMs, sleep.signal).then(
      () => this.#wake(),
      // Aborted: there is an earlier deadline, or this was closed.
      () => {},
    )
  }

  #wake(): void {
    this.#wakesAt = Infinity
    const now = this.#clock.monotonic()
    const due: Key[] = []
    let next = Infinity
    for (const [key, deadline] of this.#deadlines) {
      if (deadline <= now) due.push(key)
      else next = Math.min(next, deadline)
    }
    for (const key of due) this.#deadlines.delete(key)
    if (next < Infinity) this.#sleepUntil(next)
    for (const key of due) this.#onDue(key)
  }
}
