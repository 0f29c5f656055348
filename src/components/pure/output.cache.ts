import {
  BatchError,
  ConfigError,
  defineOutput,
  eachMessage,
  field,
  maxInFlightField,
  parseDuration,
} from '../../engine/index.ts'

export default defineOutput({
  name: 'cache',
  categories: ['Services'],
  summary: 'Stores each message in a cache.',
  config: field.object({
    target: field.string('The cache resource.'),
    key: field.interpolated('The key.').default('${!counter()}-${!timestamp_unix_nano()}'),
    ttl: field.interpolated('How long the item lives.').examples('60s', '5m', '36h').advanced().optional(),
    max_in_flight: maxInFlightField(64),
  }),
  create(config, resources) {
    if (!resources.hasResource('cache', config.target))
      throw new ConfigError(`cache resource '${config.target}' was not found`)
    const cache = resources.cache(config.target)
    return {
      async write(batch) {
        const failures = new Map<number, Error>()
        const items: { index: number; key: string; value: Uint8Array; ttlMs: number | undefined }[] = []
        let position = 0
        eachMessage(batch, (message, view, index) => {
          try {
            const ttl = config.ttl?.eval(view, index) ?? ''
            const ttlMs = ttl === '' ? undefined : parseDuration(ttl)
            items.push({ index: position, key: config.key.eval(view, index), value: message.bytes(), ttlMs })
          } catch (error) {
            failures.set(position, new Error(`key interpolation error: ${(error as { message: string }).message}`))
          }
          position++
        })
        for (const { index, key, value, ttlMs } of items) {
          try {
            await cache.set(key, value, ttlMs)
          } catch (error) {
            failures.set(index, error as Error)
          }
        }
        if (failures.size > 0) throw batch.messages.length === 1 ? failures.get(0)! : new BatchError(failures)
      },
    }
  },
})
