/** How long a stream may occupy the event loop, in milliseconds. */
const turnMs = 10

/**
 * Yields to the event loop. A stream whose parts never wait would otherwise run from promise to promise indefinitely,
 * starving signals, timers and sockets.
 */
export class Turns {
  readonly #monotonic: () => number
  #since: number

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic
    this.#since = monotonic()
  }

  /** Undefined while there is time left, otherwise a promise that resolves in the next turn of the event loop. */
  next(): Promise<void> | undefined {
    if (this.#monotonic() - this.#since < turnMs) return undefined
    return nextTurn().then(() => {
      this.#since = this.#monotonic()
    })
  }
}

/** Resolves in the next turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve)
  })
}
