import { messageOf, fieldsOf } from '../../base/index.ts'
import {
  addressOfUrl,
  type ComponentHost,
  ConfigError,
  defineProcessor,
  field,
  perMessage,
} from '../../engine/index.ts'
import { JsonParser } from './from-json.ts'
import type { Schema } from './link.ts'
import { MAX_DEPTH, ProtobufError } from './limits.ts'
import { type RegistryModule, registryUrl, schemaOfModules, schemaOfPaths } from './sources.ts'
import { JsonPrinter } from './to-json.ts'
import type { MessageType } from './types.ts'

/** The default of `import_paths`, compared by identity to distinguish it from an explicitly empty list. */
const UNWRITTEN: readonly string[] = []

export default defineProcessor({
  name: 'protobuf',
  categories: ['Parsing'],
  summary: 'Converts Protocol Buffers messages to JSON and back, based on their `.proto` files.',
  description: `The JSON follows the [Protocol Buffers mapping](https://protobuf.dev/programming-guides/json/): names in camel case, 64-bit integers and bytes (base64) as strings, enums by name, and special forms for timestamps, durations, wrappers, \`Struct\` and \`Any\`. \`from_json\` accepts fields by either name.

proto2, proto3 and edition 2023 are supported; extensions are ignored, as in the original. Messages may be nested ${MAX_DEPTH} levels deep. A message that cannot be converted is left unchanged and flagged as failed.

In addition to the original, an import path may be a descriptor set written by \`protoc --descriptor_set_out\` (\`.binpb\`, \`.pb\`, \`.desc\`, \`.protoset\`), and an \`Any\` may hold Google's well-known types and nested types. Modules of a Buf Schema Registry are fetched once, when the stream starts. This was tested against our own server for the registry's protocol, since the registry is a hosted service.`,
  config: field
    .object({
      operator: field.string('The direction.').options({
        to_json: 'From a message to JSON.',
        from_json: 'From JSON to a message.',
      }),
      message: field.string('The full name of the message type.'),
      discard_unknown: field.bool('Whether `from_json` ignores fields that the type does not have.').default(false),
      use_proto_names: field
        .bool('Whether `to_json` uses the field names of the file rather than camel case.')
        .default(false),
      emit_unpopulated: field.bool('Whether `to_json` includes unset fields with their defaults.').default(false),
      import_paths: field
        .string(
          'A folder with `.proto` files, at any depth, or a file. Imports are resolved relative to these folders.',
        )
        .needs('files')
        .list()
        .default(UNWRITTEN),
      bsr: field
        .object(
          {
            module: field.string('The module, such as `buf.build/exampleco/mymodule`.'),
            url: field
              .string('The URL of the registry; by default it is derived from the name of the module.')
              .default('')
              .advanced(),
            api_key: field.string('The API key for the registry; public modules need none.').default('').secret(),
            version: field.string('The version of the module; the latest by default.').default('').advanced(),
          },
          'Modules of a Buf Schema Registry, as an alternative to `import_paths`.',
        )
        .needsWhen(['network'], needsOfModule)
        .list()
        .default([]),
    })
    .lint(findingOf),
  async create(config, resources) {
    const { operator, message: name } = config
    if (name === '') throw new ConfigError('message field must not be empty')
    const schema = await loaded(config.import_paths, config.bsr, resources.host)
    const type = schema.messages.get(name)
    if (type === undefined || type.isMapEntry) {
      const where = config.bsr.length > 0 ? '' : ` within '[${config.import_paths.join(' ')}]'`
      throw new ConfigError(`unable to find message '${name}' definition${where}`)
    }
    const convert = operator === 'to_json' ? printing(type, schema, config) : parsing(type, schema, config)
    return perMessage(message => {
      try {
        return message.withBytes(convert(message.bytes()))
      } catch (error) {
        resources.log.debug(`Operator failed: ${messageOf(error)}`)
        return resources.fail(message, error)
      }
    })
  },
})

type Convert = (bytes: Uint8Array) => Uint8Array

function printing(
  type: MessageType,
  schema: Schema,
  config: { use_proto_names: boolean; emit_unpopulated: boolean },
): Convert {
  const options = { useProtoNames: config.use_proto_names, emitUnpopulated: config.emit_unpopulated }
  const printer = new JsonPrinter(schema, options)
  return bytes => {
    try {
      return printer.print(type, bytes)
    } catch (error) {
      const { stage } = failureOf(error)
      const what = stage === 'read' ? 'protobuf' : 'JSON protobuf'
      throw new Error(`failed to unmarshal ${what} message '${type.fullName}': ${messageOf(error)}`, {
        cause: error,
      })
    }
  }
}

function parsing(type: MessageType, schema: Schema, config: { discard_unknown: boolean }): Convert {
  const parser = new JsonParser(schema, config.discard_unknown)
  return bytes => {
    try {
      return parser.parse(type, bytes)
    } catch (error) {
      failureOf(error)
      throw new Error(`failed to unmarshal JSON message '${type.fullName}': ${messageOf(error)}`, {
        cause: error,
      })
    }
  }
}

/** Rethrows internal errors. */
function failureOf(error: unknown): ProtobufError {
  if (error instanceof ProtobufError) return error
  throw error
}

async function loaded(
  paths: readonly string[],
  modules: readonly RegistryModule[],
  host: ComponentHost,
): Promise<Schema> {
  try {
    return modules.length > 0 ? await schemaOfModules(modules, host) : await schemaOfPaths(paths, host.files)
  } catch (error) {
    throw new ConfigError(messageOf(error), { cause: error })
  }
}

function needsOfModule(value: unknown) {
  // The fields of a registry module, each optional in its raw form.
  const { module = '', url = '' } = (value ?? {}) as Partial<RegistryModule>
  const target = addressOfUrl(registryUrl({ module: String(module), url: String(url) }) ?? '')
  return [
    { capability: 'network' as const, field: url === '' ? 'module' : 'url', ...(target !== undefined && { target }) },
  ]
}

function findingOf(value: unknown): string | undefined {
  const { import_paths: paths, bsr } = fieldsOf(value)
  const modules = Array.isArray(bsr) ? bsr.length : 0
  if (paths === UNWRITTEN && modules === 0) return 'at least one of `import_paths`and `bsr` must be set'
  const isBoth = Array.isArray(paths) && paths.length > 0 && modules > 0
  return isBoth ? "both `import_paths` and `bsr` can't be set simultaneously" : undefined
}
