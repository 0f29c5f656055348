import { messageOf } from '../../base/index.ts'
import {
  type CacheHandle,
  ConfigError,
  defineProcessor,
  evaluated,
  field,
  perMessage,
  type Message,
} from '../../engine/index.ts'
import { timeToLive } from './time-to-live.ts'

export default defineProcessor({
  name: 'cache',
  namesFailures: true,
  categories: ['Integration'],
  summary: 'Reads from or writes to a cache.',
  config: field.object({
    resource: field.string('The cache resource.'),
    operator: field.string('The operation.').options({
      set: 'Stores the value under the key.',
      add: 'Stores the value, and fails if the key already exists.',
      get: 'Replaces the message with the value of the key, and fails if the key does not exist.',
      exists: 'Replaces the message with `true` or `false`.',
      delete: 'Removes the key.',
    }),
    key: field.interpolated('The key.'),
    value: field.interpolated('The value, for operations that store one.').optional(),
    ttl: field.interpolated('The time to live of the item.').examples('60s', '5m', '36h').advanced().optional(),
  }),
  create(config, resources) {
    if (config.resource === '') throw new ConfigError('cache name must be specified')
    const cache = resources.cache(config.resource)
    return {
      effects: true,
      ...perMessage(async (message, view, index) => {
        try {
          const key = evaluated('key', () => config.key.eval(view, index))
          const value = evaluated('value', () => config.value?.evalBytes(view, index) ?? new Uint8Array(0))
          const ttlMs = timeToLive(config.ttl, view, index)
          return await operate(cache, config.operator.toLowerCase(), message, key, value, ttlMs)
        } catch (error) {
          return resources.fail(message, error)
        }
      }),
    }
  },
})

class KeyExistsError extends Error {}

async function operate(...job: Parameters<typeof attempt>): Promise<Message> {
  try {
    return await attempt(...job)
  } catch (error) {
    if (error instanceof KeyExistsError) throw error
    throw new Error(`operator failed for key '${job[3]}': ${messageOf(error)}`)
  }
}

async function attempt(
  cache: CacheHandle,
  operator: string,
  message: Message,
  key: string,
  value: Uint8Array,
  ttlMs: number | undefined,
): Promise<Message> {
  switch (operator) {
    case 'set':
      await cache.set(key, value, ttlMs)
      return message
    case 'add':
      if (!(await cache.add(key, value, ttlMs))) throw new KeyExistsError(`key already exists: ${key}`)
      return message
    case 'get': {
      const found = await cache.get(key)
      if (found === undefined) throw new Error('key does not exist')
      return message.withBytes(found)
    }
    case 'exists':
      return message.withDocument(await cache.exists(key))
    case 'delete':
      await cache.delete(key)
      return message
    default:
      throw new ConfigError(`operator not recognised: ${operator}`)
  }
}
