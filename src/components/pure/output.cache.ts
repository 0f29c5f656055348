import {
  type Batch,
  ConfigError,
  defineOutput,
  deliverEachOf,
  evaluated,
  field,
  maxInFlightField,
} from '../../engine/index.ts'
import { timeToLive } from './time-to-live.ts'

export default defineOutput({
  name: 'cache',
  categories: ['Services'],
  summary: 'Stores each message in a cache.',
  config: field.object({
    target: field.string('The cache resource.'),
    key: field.interpolated('The key.').default('${!count("items")}-${!timestamp_unix_nano()}'),
    ttl: field.interpolated('The time to live of the item.').examples('60s', '5m', '36h').advanced().optional(),
    max_in_flight: maxInFlightField(64),
  }),
  create(config, resources) {
    if (!resources.hasResource('cache', config.target))
      throw new ConfigError(`cache resource '${config.target}' was not found`)
    const cache = resources.cache(config.target)
    const itemOf = (batch: Batch, index: number) => {
      const key = evaluated('key', () => config.key.eval(batch, index))
      return { key, ttlMs: timeToLive(config.ttl, batch, index) }
    }
    return {
      write: batch =>
        deliverEachOf(batch, (message, index) => {
          const { key, ttlMs } = itemOf(batch, index)
          return cache.set(key, message.bytes(), ttlMs)
        }),
    }
  },
})
