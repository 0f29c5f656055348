import type { Resources } from '../../engine/index.ts'
import { avroDecoder, avroEncoder, type AvroOptions, type Convert } from './avro.ts'
import { jsonChecker } from './json.ts'
import { protobufDecoder, protobufEncoder } from './protobuf.ts'
import type { RegisteredSchema, Registry } from './registry.ts'

/** Creates a decoder from what follows the schema id to JSON. */
export function decoderOf(
  schema: RegisteredSchema,
  registry: Registry,
  options: AvroOptions,
  resources: Resources,
): Promise<Convert> {
  switch (schema.type) {
    case 'AVRO':
      return avroDecoder(schema, registry, options)
    case 'PROTOBUF':
      return protobufDecoder(schema, registry)
    case 'JSON':
      return jsonChecker(schema, registry, resources.host)
    default:
      return Promise.reject(new Error(`schema type ${schema.type} not supported`))
  }
}

/** Creates an encoder from JSON to what follows the schema id. */
export function encoderOf(
  schema: RegisteredSchema,
  registry: Registry,
  options: AvroOptions,
  resources: Resources,
): Promise<Convert> {
  switch (schema.type) {
    case 'AVRO':
      return avroEncoder(schema, registry, options)
    case 'PROTOBUF':
      return protobufEncoder(schema, registry)
    case 'JSON':
      return jsonChecker(schema, registry, resources.host)
    default:
      return Promise.reject(new Error(`schema type ${schema.type} not supported`))
  }
}
