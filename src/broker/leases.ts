import { type Clock, type Log, waitOrAbort } from '../base/index.ts'
import { type Fence, type LeaseHolder, type Metadata, MetadataError } from '../metadata/index.ts'

export interface LeasesOptions {
  readonly metadata: Metadata
  readonly clock: Clock
  readonly log: Log
  /** Identifies this broker. */
  readonly holder: LeaseHolder
  /** How long others wait for a dead broker, in milliseconds; a lease is renewed three times in this period. */
  readonly durationMs: number
}

interface Held {
  readonly fence: Fence
  /** In monotonic milliseconds; no other process can hold the lease before then. */
  readonly validUntil: number
}

/**
 * The leases that this broker holds, for roles that only one broker may have, such as the coordinator of a group. A
 * lease is held as long as it is renewed in time. Once that is in doubt the broker gives it up, and the fence prevents
 * its pending writes from being applied after another broker has taken over.
 */
export class Leases {
  readonly #options: LeasesOptions
  readonly #held = new Map<string, Held>()
  readonly #lossListeners = new Set<(name: string) => void>()
  readonly #stop = new AbortController()
  readonly #renewing: Promise<void>

  constructor(options: LeasesOptions) {
    this.#options = options
    this.#renewing = this.#renewUntilStopped()
  }

  /** The fence of a lease if this broker certainly holds it now, otherwise undefined. */
  held(name: string): Fence | undefined {
    const held = this.#held.get(name)
    if (held === undefined) return undefined
    if (this.#options.clock.monotonic() < held.validUntil) return held.fence
    this.#lose(name)
    return undefined
  }

  /** Takes the free ones among these leases and returns their fences; undefined for those that others hold. */
  async acquire(names: readonly string[]): Promise<(Fence | undefined)[]> {
    const missing = names.filter(name => this.held(name) === undefined)
    if (missing.length > 0) await this.#acquire(missing)
    return names.map(name => this.held(name))
  }

  /** The holder of a lease, which is taken if it is free and `takeFree` is set; undefined if it stays free. */
  async holderOf(name: string, takeFree: boolean): Promise<LeaseHolder | undefined> {
    if (this.held(name) !== undefined) return this.#options.holder
    const [lease] = await this.#options.metadata.findLeases([name])
    if (lease) return lease.holder
    return takeFree ? (await this.#acquire([name]))[0] : undefined
  }

  /** The listener receives the name of each lost lease. Returns a function that unsubscribes it. */
  onLost(listener: (name: string) => void): () => void {
    this.#lossListeners.add(listener)
    return () => this.#lossListeners.delete(listener)
  }

  /** Reports that a write under this fence was refused. */
  fenced({ lease, epoch }: Fence): void {
    if (this.#held.get(lease)?.fence.epoch === epoch) this.#lose(lease)
  }

  /** Releases all leases, so that others need not wait for them to expire. */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.#renewing
    if (this.#held.size === 0) return
    this.#held.clear()
    try {
      await this.#options.metadata.releaseLeases(this.#options.holder.id)
    } catch (error) {
      if (!(error instanceof MetadataError)) throw error
      this.#options.log.warn('leases could not be released and will expire', { error: error.message })
    }
  }

  async #acquire(names: readonly string[]): Promise<LeaseHolder[]> {
    const { metadata, clock, holder, durationMs } = this.#options
    const validUntil = clock.monotonic() + durationMs
    const leases = await metadata.acquireLeases(names, holder, durationMs)
    for (const { name, epoch, holder: actual } of leases) {
      if (actual.id === holder.id) this.#held.set(name, { fence: { lease: name, epoch }, validUntil })
      else this.#lose(name)
    }
    return leases.map(lease => lease.holder)
  }

  async #renewUntilStopped(): Promise<void> {
    const { clock, log, durationMs } = this.#options
    const { signal } = this.#stop
    let delayMs = durationMs / 3
    for (;;) {
      await waitOrAbort(clock, delayMs, signal)
      if (signal.aborted) return
      try {
        await this.#renew()
        delayMs = durationMs / 3
      } catch (error) {
        if (!(error instanceof MetadataError)) throw error
        log.warn('leases could not be renewed', { error: error.message })
        delayMs = durationMs / 10
      }
    }
  }

  async #renew(): Promise<void> {
    const { metadata, clock, holder, durationMs } = this.#options
    const fences = Array.from(this.#held.values(), ({ fence }) => fence)
    if (fences.length === 0) return
    const validUntil = clock.monotonic() + durationMs
    const renewed = await metadata.renewLeases(fences, holder.id, durationMs)
    fences.forEach((fence, index) => {
      // The lease may have been lost, or acquired again with another epoch, while the answer was in transit.
      if (this.#held.get(fence.lease)?.fence.epoch !== fence.epoch) return
      if (renewed[index]) this.#held.set(fence.lease, { fence, validUntil })
      else this.#lose(fence.lease)
    })
  }

  #lose(name: string): void {
    if (!this.#held.delete(name)) return
    this.#options.log.info('lease lost', { lease: name })
    for (const listener of this.#lossListeners) listener(name)
  }
}
