import { NotConnectedError } from './component.ts'

/** What a server pushes to an input, until the input reads it. The caller bounds it by the protocol, or by `size`. */
export class Arrivals<T> {
  #items: T[] = []
  #failure: Error | null = null
  #wake: (() => void) | null = null

  /** Items that wait. */
  get size(): number {
    return this.#items.length
  }

  put(item: T): void {
    this.#items.push(item)
    this.#wake?.()
  }

  /** Puts a delivery back to the front, because it cannot be delivered yet. */
  unread(items: readonly T[]): void {
    if (items.length > 0) this.#items = [...items, ...this.#items]
  }

  /** The connection is gone: {@link take} throws from now on, after what waits, until {@link reset}. */
  fail(cause: unknown): void {
    this.#failure ??= new NotConnectedError(cause)
    this.#wake?.()
  }

  /** Drops what waits, since it belongs to a connection that is gone, and forgets the failure. */
  reset(): void {
    this.#items = []
    this.#failure = null
  }

  /** Up to `max` items, at least one; null when the signal aborts first. One call at a time. */
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
