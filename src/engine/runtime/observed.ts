import type { Buffer, Cache, CacheHandle, MaybePromise, RateLimit, Resources } from '../component.ts'
import { type Delivery, isRun } from '../delivery.ts'
import type { Counter, Metrics, Timer } from '../metrics.ts'
import { andThen } from '../per-message.ts'

type Operation = 'get' | 'exists' | 'set' | 'add' | 'delete'

/** A cache with metrics for its operations. */
export class ObservedCache implements CacheHandle {
  readonly #inner: Cache
  readonly #clock: () => number
  readonly #meters: Readonly<Record<Operation, Meters>>
  readonly #notFound: Counter
  readonly #duplicate: Counter

  constructor(inner: Cache, { metrics, clock }: Resources) {
    this.#inner = inner
    this.#clock = () => clock.monotonic()
    const meters = (operation: Operation): Meters => ({
      success: metrics.counter('cache_success', { operation }),
      error: metrics.counter('cache_error', { operation }),
      latency: metrics.timer('cache_latency_ns', { operation }),
    })
    this.#meters = {
      get: meters('get'),
      exists: meters('exists'),
      set: meters('set'),
      add: meters('add'),
      delete: meters('delete'),
    }
    this.#notFound = metrics.counter('cache_not_found', { operation: 'get' })
    this.#duplicate = metrics.counter('cache_duplicate', { operation: 'add' })
  }

  get(key: string): MaybePromise<Uint8Array | undefined> {
    return this.#measure(
      'get',
      () => this.#inner.get(key),
      value => (value === undefined ? this.#notFound : this.#meters.get.success),
    )
  }

  /** A key that does not exist counts as a success. */
  exists(key: string): MaybePromise<boolean> {
    return this.#measure('exists', () => andThen(this.#inner.get(key), value => value !== undefined))
  }

  set(key: string, value: Uint8Array, ttlMs?: number): MaybePromise<void> {
    return this.#measure('set', () => this.#inner.set(key, value, ttlMs))
  }

  add(key: string, value: Uint8Array, ttlMs?: number): MaybePromise<boolean> {
    return this.#measure(
      'add',
      () => this.#inner.add(key, value, ttlMs),
      added => (added ? this.#meters.add.success : this.#duplicate),
    )
  }

  delete(key: string): MaybePromise<void> {
    return this.#measure('delete', () => this.#inner.delete(key))
  }

  async close(): Promise<void> {
    await this.#inner.close?.()
  }

  #measure<T>(
    operation: Operation,
    run: () => MaybePromise<T>,
    counterOf: (value: T) => Counter = () => this.#meters[operation].success,
  ): MaybePromise<T> {
    const { latency, error: errors } = this.#meters[operation]
    const startedAt = this.#clock()
    const done = (value: T) => {
      latency.observe((this.#clock() - startedAt) * 1e6)
      counterOf(value).add(1)
      return value
    }
    const failed = (error: unknown): never => {
      latency.observe((this.#clock() - startedAt) * 1e6)
      errors.add(1)
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
  readonly latency: Timer
}

/** A rate limit with metrics for its uses. */
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

/** A buffer that counts incoming and outgoing messages and measures how long delivery takes. */
export class ObservedBuffer implements Buffer {
  readonly #inner: Buffer
  readonly #monotonic: () => number
  readonly #received: Counter
  readonly #batchReceived: Counter
  readonly #sent: Counter
  readonly #batchSent: Counter
  readonly #latency: Timer

  constructor(inner: Buffer, metrics: Metrics, monotonic: () => number) {
    this.#inner = inner
    this.#monotonic = monotonic
    this.#received = metrics.counter('buffer_received')
    this.#batchReceived = metrics.counter('buffer_batch_received')
    this.#sent = metrics.counter('buffer_sent')
    this.#batchSent = metrics.counter('buffer_batch_sent')
    this.#latency = metrics.timer('buffer_latency_ns')
  }

  /** Counts what the buffer took, and not what it dropped. */
  push(delivery: Delivery, signal: AbortSignal): MaybePromise<void> {
    return andThen(this.#inner.push(delivery, signal), dropped => {
      const lost = dropped ?? []
      this.#received.add(delivery.messages.length - lost.flat().length)
      this.#batchReceived.add(batchesIn(delivery) - lost.length)
    })
  }

  end(): void {
    this.#inner.end()
  }

  async next(signal: AbortSignal): Promise<Delivery | null> {
    const delivery = await this.#inner.next(signal)
    if (delivery === null) return null
    const { messages } = delivery
    this.#sent.add(messages.length)
    this.#batchSent.add(batchesIn(delivery))
    const startedAt = this.#monotonic()
    let left = messages.length
    return delivery.like(messages, (some, error) => {
      left -= some.length
      const elapsedNs = (this.#monotonic() - startedAt) * 1e6
      if (isRun(delivery)) this.#latency.observe(elapsedNs, some.length)
      else if (left === 0) this.#latency.observe(elapsedNs)
      return delivery.settle(some, error)
    })
  }

  close(): MaybePromise<void> {
    return this.#inner.close?.()
  }
}

function batchesIn(delivery: Delivery): number {
  return isRun(delivery) ? delivery.messages.length : 1
}
