import { Buffer } from 'node:buffer'
import { type Cache, ConfigError, defineCache, field } from '../../engine/index.ts'

export default defineCache({
  name: 'memory',
  summary: 'Keeps items in memory; they are lost when the stream ends.',
  config: field.object({
    default_ttl: field.duration('The time to live of items stored without one.').default('5m'),
    compaction_interval: field
      .duration('How often expired items are removed; if empty, nothing expires.')
      .default('60s'),
    init_values: field.string('Initial items, which stay until they are overwritten.').map().default({}),
    shards: field.int('Has no effect: a single thread needs no shards.').default(1).advanced(),
  }),
  create(config, resources) {
    const { clock } = resources
    if (config.default_ttl === undefined) {
      throw new ConfigError(`failed to parse 'default_ttl' as a duration string: time: invalid duration ""`)
    }
    return new MemoryCache(config.default_ttl, config.compaction_interval ?? 0, config.init_values, () =>
      clock.monotonic(),
    )
  },
})

interface Item {
  readonly value: Uint8Array
  /** `Infinity` if the item never expires. */
  readonly expiresAt: number
}

class MemoryCache implements Cache {
  readonly #items = new Map<string, Item>()
  readonly #defaultTtlMs: number
  readonly #compactionMs: number
  readonly #now: () => number
  #compactedAt: number

  constructor(
    defaultTtlMs: number,
    compactionMs: number,
    initial: Readonly<Record<string, string>>,
    now: () => number,
  ) {
    this.#defaultTtlMs = defaultTtlMs
    this.#compactionMs = compactionMs
    this.#now = now
    this.#compactedAt = now()
    for (const [key, value] of Object.entries(initial)) {
      this.#items.set(key, { value: Buffer.from(value, 'utf8'), expiresAt: Infinity })
    }
  }

  get(key: string): Uint8Array | undefined {
    const item = this.#items.get(key)
    return item === undefined || this.#isExpired(item) ? undefined : item.value
  }

  set(key: string, value: Uint8Array, ttlMs?: number): void {
    this.#compact()
    this.#items.set(key, { value, expiresAt: this.#now() + (ttlMs ?? this.#defaultTtlMs) })
  }

  add(key: string, value: Uint8Array, ttlMs?: number): boolean {
    if (this.get(key) !== undefined) return false
    this.set(key, value, ttlMs)
    return true
  }

  delete(key: string): void {
    this.#items.delete(key)
  }

  #isExpired(item: Item): boolean {
    return this.#compactionMs > 0 && item.expiresAt < this.#now()
  }

  #compact(): void {
    if (this.#compactionMs <= 0 || this.#now() - this.#compactedAt < this.#compactionMs) return
    this.#compactedAt = this.#now()
    for (const [key, item] of this.#items) if (this.#isExpired(item)) this.#items.delete(key)
  }
}
