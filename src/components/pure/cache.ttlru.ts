import { ConfigError, defineCache, field } from '../../engine/index.ts'
import { LruCache } from './lru.ts'

export default defineCache({
  name: 'ttlru',
  summary: 'Keeps a limited number of items in memory for a limited time.',
  config: field.object({
    cap: field.int('The maximum number of items.').default(1024),
    default_ttl: field.duration('The time to live of items.').default('5m0s').optional(),
    ttl: field.duration('An older name of `default_ttl`.').optional().advanced(),
    init_values: field.string('The initial items.').map().default({}),
    optimistic: field.bool('Has no effect: adding is always exact.').default(false).advanced(),
    without_reset: field.bool('Has no effect.').default(false).advanced().deprecated(),
  }),
  create(config, { clock }) {
    if (config.cap <= 0) throw new ConfigError('must provide a positive size')
    return new LruCache(config.cap, config.default_ttl ?? config.ttl ?? 300_000, config.init_values, () =>
      clock.monotonic(),
    )
  },
})
