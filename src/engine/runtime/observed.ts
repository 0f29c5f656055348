import type { Cache, RateLimit, Resources } from '../component.ts'
import type { Counter, Timer } from '../metrics.ts'

type Operation = 'get' | 'set' | 'add' | 'delete'

/** A cache whose operations are counted. */
export class ObservedCache implements Cache {
  readonly #inner: Cache
  readonly #clock: () => number
  readonly #meters: Readonly<Record<Operation, Meters>>

  constructor(inner: Cache, { metrics, clock }: Resources) {
    this.#inner = inner
    this.#clock = () => clock.monotonic()
    const meters = (operation: Operation): Meters => ({
      success: metrics.counter('cache_success', { operation }),
      error: metrics.counter('cache_error', { operation }),
      notFound: metrics.counter('cache_not_found', { operation }),
      duplicate: metrics.counter('cache_duplicate', { operation }),
      latency: metrics.timer('cache_latency_ns', { operation }),
    })
    this.#meters = { get: meters('get'), set: meters('set'), add: meters('add'), delete: meters('delete') }
  }

  get(key: string): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    return this.#measure(
      'get',
      () => this.#inner.get(key),
      value => (value === undefined ? 'notFound' : 'success'),
    )
  }

  set(key: string, value: Uint8Array, ttlMs?: number): void | Promise<void> {
    return this.#measure(
      'set',
      () => this.#inner.set(key, value, ttlMs),
      () => 'success',
    )
  }

  add(key: string, value: Uint8Array, ttlMs?: number): boolean | Promise<boolean> {
    return this.#measure(
      'add',
      () => this.#inner.add(key, value, ttlMs),
      added => (added ? 'success' : 'duplicate'),
    )
  }

  delete(key: string): void | Promise<void> {
    return this.#measure(
      'delete',
      () => this.#inner.delete(key),
      () => 'success',
    )
  }

  async close(): Promise<void> {
    await this.#inner.close?.()
  }

  #measure<T>(
    operation: Operation,
    run: () => T | Promise<T>,
    verdict: (value: T) => 'success' | 'notFound' | 'duplicate',
  ): T | Promise<T> {
    const meters = this.#meters[operation]
    const startedAt = this.#clock()
    const done = (value: T) => {
      meters.latency.observe((this.#clock() - startedAt) * 1e6)
      meters[verdict(value)].add(1)
      return value
    }
    const failed = (error: unknown): never => {
      meters.error.add(1)
      throw error
    }
    try {
      const result = run()
      return result instanceof Promise ? result.then(done, failed) : done(result)
    } catch (error) {
      return failed(error)
    }
  }
}

interface Meters {
  readonly success: Counter
  readonly error: Counter
  readonly notFound: Counter
  readonly duplicate: Counter
  readonly latency: Timer
}

/** A rate limit whose uses are counted. */
export class ObservedRateLimit implements RateLimit {
  readonly #inner: RateLimit
  readonly #checked: Counter
  readonly #triggered: Counter
  readonly #errors: Counter

  constructor(inner: RateLimit, { metrics }: Resources) {
    this.#inner = inner
    this.#checked = metrics.counter('rate_limit_checked')
    this.#triggered = metrics.counter('rate_limit_triggered')
    this.#errors = metrics.counter('rate_limit_error')
  }

  async access(): Promise<number> {
    this.#checked.add(1)
    try {
      const waitMs = await this.#inner.access()
      if (waitMs > 0) this.#triggered.add(1)
      return waitMs
    } catch (error) {
      this.#errors.add(1)
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#inner.close?.()
  }
}
