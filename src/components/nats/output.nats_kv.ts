import { type Batch, defineOutput, evaluated, field, maxInFlightField } from '../../engine/index.ts'
import { natsConnector, securityFields, urlsField } from './client.ts'
import { bucketField, openBucket } from './bucket.ts'
import { Publisher } from './publisher.ts'

export default defineOutput({
  name: 'nats_kv',
  categories: ['Services'],
  summary: 'Stores messages in a NATS key-value bucket.',
  config: field.object({
    urls: urlsField,
    bucket: bucketField,
    key: field.interpolated('The key.').examples('foo', 'foo.bar.baz', 'foo.${! this.meta.type }'),
    max_in_flight: maxInFlightField(1024),
    ...securityFields,
  }),
  requires: ['@nats-io/transport-node', '@nats-io/kv'],
  needs: ['network'],
  create: (config, resources) =>
    new Publisher(
      natsConnector(config, resources, { reconnects: false }),
      async connection => {
        const bucket = await openBucket(connection, config.bucket)
        return (batch: Batch, index: number) => {
          const key = evaluated('key', () => config.key.eval(batch, index))
          return bucket.put(key, batch[index]!.bytes())
        }
      },
      { flushes: false },
    ),
})
