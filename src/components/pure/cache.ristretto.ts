import { Backoff, type Cache, defineCache, field } from '../../engine/index.ts'
import { LruCache } from './lru.ts'

/** Capacity in items; the least recently used one is evicted. */
const maxItems = 10_000_000

export default defineCache({
  name: 'ristretto',
  summary: 'Keeps items in memory for programs with many of them.',
  description: `Up to ${maxItems} items are kept. What is set can be read at once and adding a key is exact, while the original shows
what was set a little later and overwrites a key that is added twice.`,
  config: field.object({
    default_ttl: field
      .duration('How long an item lives; empty or zero: until others need its place.')
      .default('')
      .examples('5m', '60s'),
    get_retries: field
      .object(
        {
          enabled: field.bool('Whether a key that is not found is looked for again.').default(false).advanced(),
          initial_interval: field.duration('The first pause.').default('1s').advanced(),
          max_interval: field.duration('The longest pause.').default('5s').advanced(),
          max_elapsed_time: field.duration('When no further attempt is made; 0s for never.').default('30s').advanced(),
        },
        'Looking again for keys that are expected to appear.',
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
