import { Backoff, type Cache, defineCache, field } from '../../engine/index.ts'
import { LruCache } from './lru.ts'

/** Capacity in items; the least recently used one is evicted. */
const maxItems = 10_000_000

export default defineCache({
  name: 'ristretto',
  summary: 'Keeps a large number of items in memory.',
  description: `Up to ${maxItems} items are kept. A stored item can be read immediately and adding a key is exact; in the original a
stored item appears with a delay, and adding an existing key overwrites it.`,
  config: field.object({
    default_ttl: field
      .duration('The time to live of items stored without one; if empty or zero, items stay until they are evicted.')
      .default('')
      .examples('5m', '60s'),
    get_retries: field
      .object(
        {
          enabled: field.bool('Whether to look up a missing key again.').default(false).advanced(),
          initial_interval: field
            .duration('The interval before the first retry; later ones grow up to `max_interval`.')
            .default('1s')
            .advanced(),
          max_interval: field.duration('The maximum interval between retries.').default('5s').advanced(),
          max_elapsed_time: field
            .duration('How long to retry before giving up; 0s means indefinitely.')
            .default('30s')
            .advanced(),
        },
        'Retries of lookups, for keys that are expected to appear.',
      )
      .optional()
      .advanced(),
  }),
  create(config, resources): Cache {
    const cache = new LruCache(maxItems, config.default_ttl ?? 0, {}, () => resources.clock.monotonic())
    const { get_retries: retries } = config
    if (retries?.enabled !== true) return cache
    return {
      async get(key) {
        const options = {
          initialMs: retries.initial_interval ?? 1000,
          maxMs: retries.max_interval ?? 5000,
          maxElapsedMs: retries.max_elapsed_time ?? 0,
        }
        const backoff = new Backoff(options, () => resources.host.random())
        for (;;) {
          const value = cache.get(key)
          const waitMs = value === undefined ? backoff.next() : undefined
          if (waitMs === undefined) return value
          await resources.wait(waitMs)
        }
      },
      set: (key, value, ttlMs) => cache.set(key, value, ttlMs),
      add: (key, value, ttlMs) => cache.add(key, value, ttlMs),
      delete: key => cache.delete(key),
    }
  },
})
