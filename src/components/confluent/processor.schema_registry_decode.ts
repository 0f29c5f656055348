import { defineProcessor, field, type Message, perMessage } from '../../engine/index.ts'
import type { Convert } from './avro.ts'
import { decoderOf } from './codecs.ts'
import { Registry, registryFields } from './registry.ts'
import { SchemaCache } from './schema-cache.ts'

const { url, avro_raw_json, avro_nested_schemas, transport, oauth, basic_auth, jwt, tls } = registryFields

export default defineProcessor({
  name: 'schema_registry_decode',
  categories: ['Parsing', 'Integration'],
  summary:
    'Decodes messages to JSON with the schema whose id they begin with, which is fetched from a schema registry.',
  description: `Messages have Confluent's framing: a zero byte, the id of the schema in four bytes and, for Protocol Buffers, the indexes of the message type. Avro, Protocol Buffers and JSON schemas are supported, including references to other schemas. Documents of a JSON schema are only validated.

Avro becomes Avro JSON, in which values of unions are keyed by the names of their types (\`{"string":"a"}\`), or plain JSON with \`avro_raw_json\`. Logical types appear as their underlying numbers, and bytes as strings of their code points.

A schema is fetched once and dropped after it has not been used for ten minutes. A message that cannot be decoded is left unchanged and flagged as failed.`,
  config: field.object({
    avro_raw_json,
    avro_nested_schemas,
    url,
    transport,
    sanitize_namespace_names: field
      .bool('Whether characters that Avro does not allow are removed from namespaces.')
      .default(false)
      .advanced()
      .since('1.17.0'),
    oauth,
    basic_auth,
    jwt,
    tls,
  }),
  examples: [
    {
      title: 'Decoding keys as well',
      summary: 'The key of a Kafka record, which is in the metadata, has its own schema.',
      config: `pipeline:
  processors:
    - try:
        - schema_registry_decode: { url: 'http://localhost:8081' }
        - branch:
            request_map: root = metadata("kafka_key")
            processors:
              - schema_registry_decode: { url: 'http://localhost:8081' }
            result_map: meta kafka_key = content().string()
`,
    },
  ],
  create(config, resources) {
    const registry = new Registry(config, resources, config.sanitize_namespace_names)
    const decoders = new SchemaCache<Convert>({
      clock: resources.clock,
      load: async id => await decoderOf(await registry.byId(Number(id)), registry, config, resources),
    })
    const decoded = (message: Message, decode: Convert) => {
      try {
        return message.withBytes(decode(message.bytes().subarray(5)))
      } catch (error) {
        return resources.fail(message, error)
      }
    }
    return {
      ...perMessage(message => {
        try {
          const decoder = decoders.get(String(idOf(message.bytes())))
          if (!(decoder instanceof Promise)) return decoded(message, decoder)
          return decoder.then(
            decode => decoded(message, decode),
            (error: unknown) => resources.fail(message, error),
          )
        } catch (error) {
          return resources.fail(message, error)
        }
      }),
      close: () => registry.close(),
    }
  },
})

function idOf(bytes: Uint8Array): number {
  if (bytes.length === 0) throw new Error('message is empty')
  if (bytes[0] !== 0) throw new Error(`serialization format version number ${bytes[0]} not supported`)
  if (bytes.length < 5) throw new Error('message is too short for the id of a schema')
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(1)
}
