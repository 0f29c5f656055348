import { type Batch, Signal } from '../../engine/index.ts'

interface Waiting {
  readonly batch: Batch
  readonly settle: (error: Error | null) => void
}

/** A pipe between an output and an input of the same process, looked up by name. */
export class InprocPipe {
  readonly #waiting: Waiting[] = []
  readonly #changed = new Signal()
  #closed = false

  static of(shared: Map<string, unknown>, name: string): InprocPipe {
    const key = `inproc/${name}`
    let pipe = shared.get(key) as InprocPipe | undefined // only this file uses the key
    if (pipe === undefined) {
      pipe = new InprocPipe()
      shared.set(key, pipe)
    }
    return pipe
  }

  /** Resolves once the reader has acknowledged the batch. */
  write(batch: Batch): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ batch, settle: error => (error === null ? resolve() : reject(error)) })
      this.#changed.notify()
    })
  }

  /** The next batch, or null once the writer has closed or the signal aborts. */
  async take(signal: AbortSignal): Promise<Waiting | null> {
    const wake = () => this.#changed.notify()
    signal.addEventListener('abort', wake, { once: true })
    try {
      for (;;) {
        const waiting = this.#waiting.shift()
        if (waiting !== undefined) return waiting
        if (this.#closed || signal.aborted) return null
        await this.#changed.wait()
      }
    } finally {
      signal.removeEventListener('abort', wake)
    }
  }

  close(): void {
    this.#closed = true
    this.#changed.notify()
  }
}
