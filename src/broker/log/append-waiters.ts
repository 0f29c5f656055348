import type { Clock } from '../../base/index.ts'
import type { PartitionId } from '../../metadata/index.ts'

interface Waiter {
  readonly partitions: readonly PartitionId[]
  missingBytes: number
  wake(): void
}

/** Requests that wait for more records. */
export class AppendWaiters {
  readonly #clock: Clock
  readonly #waiters = new Map<PartitionId, Set<Waiter>>()
  #closed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether waiting has ended for good. */
  get closed(): boolean {
    return this.#closed
  }

  /** Resolves when `bytes` have been appended to these partitions, after `ms`, or when the signal aborts. */
  async wait(partitions: readonly PartitionId[], bytes: number, ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.#closed) return
    const timer = new AbortController()
    const waiter: Waiter = { partitions, missingBytes: bytes, wake: () => timer.abort() }
    const onAbort = () => timer.abort()
    signal.addEventListener('abort', onAbort)
    for (const partition of partitions) this.#of(partition).add(waiter)
    try {
      await this.#clock.sleep(ms, timer.signal)
    } catch (error) {
      // Waking a waiter aborts its timer.
      if (!timer.signal.aborted) throw error
    } finally {
      signal.removeEventListener('abort', onAbort)
      for (const partition of partitions) this.#leave(partition, waiter)
    }
  }

  /**
   * Notifies waiters that records were appended, or, with infinite bytes, that
   * something else about the partition has changed.
   */
  appended(partition: PartitionId, bytes: number): void {
    for (const waiter of this.#waiters.get(partition) ?? []) {
      waiter.missingBytes -= bytes
      if (waiter.missingBytes <= 0) waiter.wake()
    }
  }

  /** Wakes all waiters and disables further waiting. */
  close(): void {
    this.#closed = true
    for (const waiters of this.#waiters.values()) for (const waiter of waiters) waiter.wake()
  }

  #of(partition: PartitionId): Set<Waiter> {
    let waiters = this.#waiters.get(partition)
    if (!waiters) this.#waiters.set(partition, (waiters = new Set()))
    return waiters
  }

  #leave(partition: PartitionId, waiter: Waiter): void {
    const waiters = this.#waiters.get(partition)
    waiters?.delete(waiter)
    if (waiters?.size === 0) this.#waiters.delete(partition)
  }
}
