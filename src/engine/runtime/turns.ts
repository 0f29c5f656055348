/** So long a stream may keep the event loop for itself, in milliseconds. */
const turnMs = 10

/**
 * Gives the event loop its turn. A stream whose parts never wait would run from promise to promise indefinitely, and no signal,
 * timer or socket beside it would be served.
 */
export class Turns {
  readonly #monotonic: () => number
  #since: number

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic
    this.#since = monotonic()
  }

  /** Undefined while there is time left, else a promise for the next turn. */
  next(): Promise<void> | undefined {
    if (this.#monotonic() - this.#since < turnMs) return undefined
    return new Promise(resolve => {
      setImmediate(() => {
        this.#since = this.#monotonic()
        resolve()
      })
    })
  }
}
