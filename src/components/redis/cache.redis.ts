import { Buffer } from 'node:buffer'
import { Backoff, type Cache, defineCache, field } from '../../engine/index.ts'
import { type Argument, clientFields, OnDemandClient, type Reply } from './client.ts'

export default defineCache({
  name: 'redis',
  summary: 'Stores items in Redis.',
  description: 'Without a time to live, or with a time to live of zero, items never expire.',
  config: field.object({
    ...clientFields,
    prefix: field.string('A prefix for every key, so that a database can be shared.').optional(),
    default_ttl: field.duration('The time to live of items stored without one.').optional().advanced(),
    retries: field
      .object(
        {
          initial_interval: field
            .duration('The interval before the first retry; later ones grow up to `max_interval`.')
            .default('500ms')
            .advanced(),
          max_interval: field.duration('The maximum interval between retries.').default('1s').advanced(),
          max_elapsed_time: field
            .duration('How long to retry before giving up; 0s means indefinitely.')
            .default('5s')
            .advanced(),
        },
        'The intervals between attempts of a failed operation.',
      )
      .advanced(),
  }),
  requires: ['redis'],
  needs: ['network'],
  create(config, resources): Cache {
    const { prefix = '', default_ttl: defaultTtlMs, retries } = config
    const client = new OnDemandClient(config, resources)
    const command = async (...args: readonly Argument[]): Promise<Reply> => {
      const backoff = new Backoff(
        {
          initialMs: retries.initial_interval ?? 500,
          maxMs: retries.max_interval ?? 1000,
          maxElapsedMs: retries.max_elapsed_time ?? 0,
        },
        () => resources.host.random(),
      )
      for (;;) {
        try {
          return await client.command(args)
        } catch (error) {
          const pauseMs = backoff.next()
          if (pauseMs === undefined) throw error
          await resources.wait(pauseMs)
        }
      }
    }
    const store = (key: string, value: Uint8Array, ttlMs = defaultTtlMs ?? 0, ...condition: readonly string[]) => {
      const expiry = ttlMs > 0 ? ['PX', String(Math.max(1, Math.round(ttlMs)))] : []
      const bytes = Buffer.from(value.buffer, value.byteOffset, value.length)
      return command('SET', prefix + key, bytes, ...expiry, ...condition)
    }
    return {
      async get(key) {
        const value = (await command('GET', prefix + key)) as Buffer | null // GET returns bytes or nothing
        return value ?? undefined
      },
      async set(key, value, ttlMs) {
        await store(key, value, ttlMs)
      },
      add: async (key, value, ttlMs) => (await store(key, value, ttlMs, 'NX')) !== null,
      async delete(key) {
        await command('DEL', prefix + key)
      },
      close: () => client.close(),
    }
  },
})
