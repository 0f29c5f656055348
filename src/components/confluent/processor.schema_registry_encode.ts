import { Buffer } from 'node:buffer'
import { messageOf } from '../../base/index.ts'
import { defineProcessor, field, type Message, perMessage } from '../../engine/index.ts'
import type { Convert } from './avro.ts'
import { encoderOf } from './codecs.ts'
import { Registry, registryFields } from './registry.ts'
import { SchemaCache } from './schema-cache.ts'

const { url, avro_raw_json, avro_nested_schemas, transport, oauth, basic_auth, jwt, tls } = registryFields

interface Encoder {
  /** The prefix of every message: a zero byte and the id of the schema. */
  readonly head: Uint8Array
  readonly encode: Convert
}

export default defineProcessor({
  name: 'schema_registry_encode',
  categories: ['Parsing', 'Integration'],
  version: '1.13.0',
  summary: 'Encodes JSON with the latest schema of a schema registry subject, and prepends the id of the schema.',
  description: `Messages have Confluent's framing: a zero byte, the id of the schema in four bytes and, for Protocol Buffers, the indexes of the message type. Avro, Protocol Buffers and JSON schemas are supported, including references to other schemas. Documents of a JSON schema are only validated.

Avro is encoded from Avro JSON, in which values of unions are keyed by the names of their types (\`{"string":"a"}\`), or from plain JSON with \`avro_raw_json\`, in which case the first type of a union that accepts a value is chosen. If a Protocol Buffers schema has several messages, the first one that accepts the document is used.

A schema is fetched with the first message of its subject, refreshed after \`refresh_period\` while messages continue to use the old one, and dropped after it has not been used for ten minutes. A message that cannot be encoded is left unchanged and flagged as failed.`,
  config: field.object({
    url,
    subject: field.interpolated('The subject whose schema is used.').examples('foo', '${! metadata("kafka_topic") }'),
    refresh_period: field
      .duration('How often the schema of a subject is refreshed.')
      .default('10m')
      .examples('60s', '1h'),
    avro_raw_json,
    avro_nested_schemas,
    transport,
    oauth,
    basic_auth,
    jwt,
    tls,
  }),
  create(config, resources) {
    const registry = new Registry(config, resources)
    const encoders = new SchemaCache<Encoder>({
      clock: resources.clock,
      refreshMs: config.refresh_period,
      load: async subject => {
        const schema = await registry.bySubject(subject, 'latest')
        const head = Buffer.alloc(5)
        head.writeUInt32BE(schema.id, 1)
        return { head, encode: await encoderOf(schema, registry, config, resources) }
      },
      onRefreshError: (subject, error) =>
        resources.log.error(`Failed to refresh schema subject '${subject}': ${messageOf(error)}`),
    })
    const encoded = (message: Message, { head, encode }: Encoder) => {
      try {
        return message.withBytes(Buffer.concat([head, encode(message.bytes())]))
      } catch (error) {
        return resources.fail(message, error)
      }
    }
    return {
      ...perMessage((message, batch, index) => {
        let subject: string
        try {
          subject = config.subject.eval(batch, index)
        } catch (error) {
          resources.log.error(`Subject interpolation error: ${messageOf(error)}`)
          return resources.fail(message, new Error(`subject interpolation error: ${messageOf(error)}`))
        }
        const encoder = encoders.get(subject)
        if (!(encoder instanceof Promise)) return encoded(message, encoder)
        return encoder.then(
          found => encoded(message, found),
          (error: unknown) => resources.fail(message, error),
        )
      }),
      close: () => registry.close(),
    }
  },
})
