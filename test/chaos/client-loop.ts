import { setTimeout as sleep } from 'node:timers/promises'

/** A client that works until it is stopped, in sessions: a session that fails is followed by another. */
export abstract class ClientLoop {
  readonly #name: string
  readonly #stopping = new AbortController()
  #running: Promise<void> = Promise.resolve()
  /** Number of acknowledged writes. */
  #acknowledged = 0

  constructor(name: string) {
    this.#name = name
  }

  /** Waits until one more write is acknowledged, which shows that the cluster works again, and stops. */
  async stop(timeoutMs: number): Promise<void> {
    const before = this.#acknowledged
    const deadline = performance.now() + timeoutMs
    while (this.#acknowledged === before) {
      if (performance.now() > deadline)
        throw new Error(`${this.#name}: nothing was acknowledged for ${timeoutMs} ms after the faults`)
      await sleep(50)
    }
    this.#stopping.abort()
    await this.#running
  }

  protected get isStopping(): boolean {
    return this.#stopping.signal.aborted
  }

  protected get stopping(): AbortSignal {
    return this.#stopping.signal
  }

  protected start(): void {
    this.#running = this.#run()
  }

  protected acknowledged(): void {
    this.#acknowledged++
  }

  /** Works until it is stopped; rejects when something failed. */
  protected abstract session(): Promise<void>

  async #run(): Promise<void> {
    while (!this.isStopping) {
      // What failed is in the history as a write with an unknown outcome, and is not repeated: that would be another.
      await this.session().catch(() => sleep(100))
    }
  }
}
