/** Limits how many operations run concurrently; the others queue. */
export class Limiter {
  readonly #limit: number
  #running = 0
  readonly #waiting: (() => void)[] = []

  constructor(limit: number) {
    this.#limit = limit
  }

  get hasRoom(): boolean {
    return this.#running < this.#limit && this.#waiting.length === 0
  }

  get running(): number {
    return this.#running
  }

  /** Takes a slot; resolves when one is free. Undefined if one is free immediately. */
  enter(): Promise<void> | undefined {
    if (this.hasRoom) {
      this.#running++
      return undefined
    }
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  /** Returns a slot, to the first in the queue. */
  leave(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#running--
    else next()
  }
}

/** A recurring event that callers can wait for. */
export class Signal {
  #waiting: (() => void)[] = []

  /** Wakes all waiting callers. */
  notify(): void {
    const waiting = this.#waiting
    if (waiting.length === 0) return
    this.#waiting = []
    for (const wake of waiting) wake()
  }

  wait(): Promise<void> {
    return new Promise(resolve => this.#waiting.push(resolve))
  }
}
