import { type Batcher, type Delivery, pause, Signal } from '../../engine/index.ts'

/** Something that deliveries are taken from. */
export interface Source {
  next(signal: AbortSignal): Promise<Delivery | null>
  onDrained(listener: () => void): void
}

/** Collects what a source delivers into batches. When the source has ended, nothing is held back. */
export class BatchedSource {
  readonly #source: Source
  readonly #batcher: Batcher
  readonly #drained = new Signal()
  readonly #ready: Delivery[] = []
  #pending: Promise<Delivery | null> | null = null

  constructor(source: Source, batcher: Batcher) {
    this.#source = source
    this.#batcher = batcher
    source.onDrained(() => this.#drained.notify())
  }

  async next(signal: AbortSignal): Promise<Delivery | null> {
    for (;;) {
      const ready = this.#ready.shift()
      if (ready !== undefined) return ready
      this.#pending ??= this.#source.next(signal)
      const happened = await this.#wait(this.#pending)
      if (happened === 'due') {
        this.#ready.push(...(await this.#batcher.flush()))
        continue
      }
      this.#pending = null
      if (happened !== null) {
        this.#ready.push(...(await this.#batcher.add(happened)))
        continue
      }
      this.#ready.push(...(await this.#batcher.flush()))
      if (this.#ready.length === 0) return null
    }
  }

  close(): Promise<void> {
    return this.#batcher.close()
  }

  async #wait(pending: Promise<Delivery | null>): Promise<Delivery | null | 'due'> {
    if (this.#batcher.size === 0) return await pending
    const dueMs = this.#batcher.untilDue()
    const timer = new AbortController()
    const due: Promise<'due'>[] = [this.#drained.wait().then(() => 'due')]
    if (dueMs !== undefined) due.push(pause(dueMs, timer.signal).then(() => 'due'))
    const happened = await Promise.race([pending, ...due])
    timer.abort()
    return happened
  }
}
