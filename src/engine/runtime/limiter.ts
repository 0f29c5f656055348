/** Lets a bounded number of things happen at a time; the others wait in line. */
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

  /** Takes a place; resolves when there is one. Undefined where there was one at once. */
  enter(): Promise<void> | undefined {
    if (this.hasRoom) {
      this.#running++
      return undefined
    }
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  /** Gives a place back, to the first in line. */
  leave(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#running--
    else next()
  }
}

/** Something to wait for that happens again and again. */
export class Signal {
  #waiting: (() => void)[] = []

  /** Wakes everyone who waits. */
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
