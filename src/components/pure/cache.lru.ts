import { ConfigError, defineCache, field } from '../../engine/index.ts'
import { LruCache } from './lru.ts'

export default defineCache({
  name: 'lru',
  summary: 'Keeps a number of items in memory, those that were used last.',
  config: field.object({
    cap: field.int('How many items are kept.').default(1000),
    init_values: field.string('Items that are there from the beginning.').map().default({}),
    algorithm: field
      .string('How the items to keep are chosen; the least recently used one goes in any case.')
      .default('standard')
      .options({ standard: '', arc: '', two_queues: '' })
      .advanced(),
    two_queues_recent_ratio: field.float('For `two_queues`.').default(0.25).advanced().optional(),
    two_queues_ghost_ratio: field.float('For `two_queues`.').default(0.5).advanced().optional(),
    optimistic: field.bool('Without effect: adding is always exact.').default(false).advanced(),
  }),
  create(config) {
    if (config.cap <= 0) throw new ConfigError('must provide a positive size')
    return new LruCache(config.cap, 0, config.init_values, () => 0)
  },
})
