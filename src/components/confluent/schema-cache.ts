import type { Clock } from '../../base/index.ts'
import type { MaybePromise } from '../../engine/index.ts'

/** A schema that was not used for this long is dropped. */
const STALE_MS = 600_000
/** Minimum interval between purges of stale schemas. */
const PURGE_MS = 60_000

interface Entry<T> {
  readonly value: T
  readonly loadedMs: number
  usedMs: number
  /** When it may be loaded again after a failure. */
  retryMs: number
}

interface Options<T> {
  readonly clock: Clock
  readonly load: (key: string) => Promise<T>
  /** After this long a value is reloaded while the old one stays in use; never if undefined. */
  readonly refreshMs?: number | undefined
  readonly onRefreshError?: (key: string, error: unknown) => void
}

/**
 * What was created from schemas, by key. Concurrent requests for a key share one load; a failed load is retried on a
 * later request.
 */
export class SchemaCache<T> {
  readonly #options: Options<T>
  readonly #entries = new Map<string, Entry<T>>()
  readonly #loading = new Map<string, Promise<T>>()
  #purgedMs: number

  constructor(options: Options<T>) {
    this.#options = options
    this.#purgedMs = options.clock.monotonic()
  }

  get(key: string): MaybePromise<T> {
    const nowMs = this.#options.clock.monotonic()
    if (nowMs - this.#purgedMs > PURGE_MS) this.#purge(nowMs)
    const entry = this.#entries.get(key)
    if (entry === undefined) return this.#load(key)
    entry.usedMs = nowMs
    this.#refresh(key, entry, nowMs)
    return entry.value
  }

  #load(key: string): Promise<T> {
    const underWay = this.#loading.get(key)
    if (underWay !== undefined) return underWay
    const loading = this.#options.load(key).then(
      value => {
        const nowMs = this.#options.clock.monotonic()
        this.#entries.set(key, { value, loadedMs: nowMs, usedMs: nowMs, retryMs: 0 })
        this.#loading.delete(key)
        return value
      },
      (error: unknown) => {
        this.#loading.delete(key)
        throw error
      },
    )
    this.#loading.set(key, loading)
    return loading
  }

  #refresh(key: string, entry: Entry<T>, nowMs: number): void {
    const { refreshMs, onRefreshError } = this.#options
    if (refreshMs === undefined || nowMs - entry.loadedMs < refreshMs || nowMs < entry.retryMs) return
    if (this.#loading.has(key)) return
    this.#load(key).catch((error: unknown) => {
      entry.retryMs = this.#options.clock.monotonic() + Math.max(refreshMs / 10, 1000)
      onRefreshError?.(key, error)
    })
  }

  #purge(nowMs: number): void {
    this.#purgedMs = nowMs
    for (const [key, { usedMs }] of this.#entries) if (nowMs - usedMs > STALE_MS) this.#entries.delete(key)
  }
}
