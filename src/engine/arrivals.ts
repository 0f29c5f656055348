import { NotConnectedError } from './component.ts'

/** Items pushed by a server and not yet read by the input. The caller bounds them, by its protocol or by `size`. */
export class Arrivals<T> {
  #items: T[] = []
  #failure: Error | null = null
  #wake: (() => void) | null = null

  /** Number of items waiting. */
  get size(): number {
    return this.#items.length
  }

  put(item: T): void {
    this.#items.push(item)
    this.#wake?.()
  }

  /** Puts items back at the front, because they cannot be delivered yet. */
  unread(items: readonly T[]): void {
    if (items.length > 0) this.#items = [...items, ...this.#items]
  }

  /** Reports that the connection is lost: once the waiting items are taken, {@link take} throws until {@link reset}. */
  fail(cause: unknown): void {
    this.#failure ??= new NotConnectedError(cause)
    this.#wake?.()
  }

  /** Drops the waiting items, which belong to a lost connection, and clears the failure. */
  reset(): void {
    this.#items = []
    this.#failure = null
  }

  /**
   * Waits for items and returns at least one and up to `max`; null when the signal aborts first. One call at a time.
   */
  async take(max: number, signal: AbortSignal): Promise<readonly T[] | null> {
    const wake = () => this.#wake?.()
    signal.addEventListener('abort', wake, { once: true })
    try {
      while (this.#items.length === 0) {
        if (signal.aborted) return null
        if (this.#failure !== null) throw this.#failure
        const { promise, resolve } = Promise.withResolvers<void>()
        this.#wake = resolve
        await promise
      }
    } finally {
      this.#wake = null
      signal.removeEventListener('abort', wake)
    }
    if (this.#items.length > max) return this.#items.splice(0, max)
    const items = this.#items
    this.#items = []
    return items
  }
}
