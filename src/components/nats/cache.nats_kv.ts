import type { KV } from '@nats-io/kv'
import { type Cache, defineCache, field } from '../../engine/index.ts'
import { bucketField, openBucket } from './bucket.ts'
import { natsConnector, OnDemandConnection, securityFields, urlsField } from './client.ts'

/** JetStream's error code for creating an existing key: wrong last sequence. */
const keyExists = 10_071

export default defineCache({
  name: 'nats_kv',
  categories: ['Services'],
  summary: 'Stores items in a NATS key-value bucket.',
  description:
    'The bucket determines the time to live. Keys may contain letters, digits and `-`, `_`, `=`, `.`, `/`; dots divide them into tokens.',
  config: field.object({ urls: urlsField, bucket: bucketField, ...securityFields }),
  requires: ['@nats-io/transport-node', '@nats-io/kv'],
  needs: ['network'],
  create(config, resources): Cache {
    const connection = new OnDemandConnection(
      natsConnector(config, resources, { reconnects: true }),
      async open => await openBucket(open, config.bucket),
    )
    return {
      async get(key) {
        const entry = await (await connection.use()).get(key)
        return entry === null || entry.operation !== 'PUT' ? undefined : entry.value
      },
      async set(key, value) {
        await (await connection.use()).put(key, value)
      },
      add: async (key, value) => await create(await connection.use(), key, value),
      async delete(key) {
        await (await connection.use()).delete(key)
      },
      close: () => connection.close(),
    }
  },
})

async function create(bucket: KV, key: string, value: Uint8Array): Promise<boolean> {
  const { JetStreamApiError } = await import('@nats-io/jetstream')
  try {
    await bucket.create(key, value)
    return true
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === keyExists) return false
    throw error
  }
}
