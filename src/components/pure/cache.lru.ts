import { ConfigError, defineCache, field } from '../../engine/index.ts'
import { LruCache } from './lru.ts'

export default defineCache({
  name: 'lru',
  summary: 'Keeps a limited number of items in memory and evicts the least recently used.',
  config: field.object({
    cap: field.int('The maximum number of items.').default(1000),
    init_values: field.string('The initial items.').map().default({}),
    algorithm: field
      .string('The eviction algorithm. It has no effect: the least recently used item is evicted in any case.')
      .default('standard')
      .options({ standard: '', arc: '', two_queues: '' })
      .advanced(),
    two_queues_recent_ratio: field.float('For `two_queues`; has no effect.').default(0.25).advanced().optional(),
    two_queues_ghost_ratio: field.float('For `two_queues`; has no effect.').default(0.5).advanced().optional(),
    optimistic: field.bool('Has no effect: adding is always exact.').default(false).advanced(),
  }),
  create(config) {
    if (config.cap <= 0) throw new ConfigError('must provide a positive size')
    return new LruCache(config.cap, 0, config.init_values, () => 0)
  },
})
