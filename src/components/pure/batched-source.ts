import { type Batcher, type Delivery, type Ending, pause } from '../../engine/index.ts'

/** A source of deliveries. */
export interface Source extends Ending {
  next(signal: AbortSignal): Promise<Delivery | null>
}

/** Collects the deliveries of a source into batches. Once the source has ended, nothing is held back. */
export class BatchedSource {
  readonly #source: Source
  readonly #batcher: Batcher
  readonly #ready: Delivery[] = []
  #pending: Promise<Delivery | null> | null = null
  /** Ends the current wait, if there is one. */
  #wake = (): void => undefined

  constructor(source: Source, batcher: Batcher) {
    this.#source = source
    this.#batcher = batcher
    source.onDrained(() => {
      // One of several inputs may have ended while others continue.
      if (source.drained) this.#wake()
    })
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
    if (this.#source.drained) return 'due'
    const timer = new AbortController()
    const dueMs = this.#batcher.untilDue()
    const drained = new Promise<'due'>(resolve => (this.#wake = () => resolve('due')))
    const due = dueMs === undefined ? [] : [pause(dueMs, timer.signal).then(() => 'due' as const)]
    const happened = await Promise.race([pending, drained, ...due])
    timer.abort()
    return happened
  }
}
