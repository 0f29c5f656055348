/**
 * Limits the pipelines that start concurrently to the number of processors: more would all be slower, and none sooner.
 * First starts come before restarts, of which there is one at a time: pipelines that keep failing share that one slot,
 * however many there are.
 */
export class StartQueue {
  readonly #capacity: number
  #starting = 0
  #isRestarting = false
  readonly #first: Waiting[] = []
  readonly #restarts: Waiting[] = []

  /** `capacity` is the number of concurrent starts. */
  constructor(capacity: number) {
    this.#capacity = Math.max(1, capacity)
  }

  /**
   * Resolves when a start may begin, with a function that ends it (idempotent), or with null if the signal aborts
   * first.
   */
  enter(kind: 'first' | 'restart', signal: AbortSignal): Promise<(() => void) | null> {
    if (signal.aborted) return Promise.resolve(null)
    return new Promise(resolve => {
      const queue = kind === 'first' ? this.#first : this.#restarts
      const waiting: Waiting = {
        begin: () => {
          signal.removeEventListener('abort', leave)
          resolve(this.#begin(kind))
        },
      }
      const leave = () => {
        queue.splice(queue.indexOf(waiting), 1)
        resolve(null)
      }
      signal.addEventListener('abort', leave, { once: true })
      queue.push(waiting)
      this.#advance()
    })
  }

  #begin(kind: 'first' | 'restart'): () => void {
    let isStarting = true
    return () => {
      if (!isStarting) return
      isStarting = false
      this.#starting--
      if (kind === 'restart') this.#isRestarting = false
      this.#advance()
    }
  }

  #advance(): void {
    while (this.#starting < this.#capacity) {
      const first = this.#first.shift()
      const next = first ?? (this.#isRestarting ? undefined : this.#restarts.shift())
      if (next === undefined) return
      this.#starting++
      if (first === undefined) this.#isRestarting = true
      next.begin()
    }
  }
}

interface Waiting {
  readonly begin: () => void
}
