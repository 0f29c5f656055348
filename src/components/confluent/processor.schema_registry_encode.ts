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
  summary:
    'Encodes JSON with the latest schema of a subject of a schema registry, and puts the id of the schema in front.',
  description: `Messages are framed as Confluent does it: a zero byte, the id of the schema in four bytes and, for Protocol Buffers, the indexes of the message type. Avro, Protocol Buffers and JSON schemas are known, with the schemas that they refer to. Documents of a JSON schema are only checked.

Avro is made of JSON of Avro, in which values of unions stand under the names of their types (\`{"string":"a"}\`), or of plain JSON with \`avro_raw_json\`; then the first type of a union that takes a value is chosen. Where a schema of Protocol Buffers has several messages, the first one that takes the document is.

A schema is fetched with the first message of its subject, again after \`refresh_period\` while messages go on with the old one, and forgotten when it was not used for ten minutes. A message that cannot be encoded stays as it was and is flagged.`,
  config: field.object({
    url,
    subject: field.interpolated('The subject whose schema is used.').examples('foo', '${! metadata("kafka_topic") }'),
    refresh_period: field
      .duration('After how long the schema of a subject is fetched again.')
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
