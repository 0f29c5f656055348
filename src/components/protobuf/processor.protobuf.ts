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
  summary: 'Turns Protocol Buffers messages into JSON and back, by their `.proto` files.',
  description: `The JSON is [that of Protocol Buffers](https://protobuf.dev/programming-guides/json/): names in camel case, integers of 64 bits and bytes (as base64) as texts, enums by name, timestamps, durations, wrappers, \`Struct\` and \`Any\` in their own forms. \`from_json\` takes fields by both names.

proto2, proto3 and edition 2023 are known; extensions are passed over, as in the original. Messages may be nested ${MAX_DEPTH} levels deep. A message that cannot be converted stays as it was and is flagged.

Beyond the original: an import path may be a descriptor set as \`protoc --descriptor_set_out\` writes it (\`.binpb\`, \`.pb\`, \`.desc\`, \`.protoset\`), and an \`Any\` may hold Google's own types and those that are nested deeper. What a Buf Schema Registry has is fetched once, when the stream starts. This was tried against a server of our own that answers as the registry's protocol says, since the registry is a service that cannot be installed.`,
  config: field
    .object({
      operator: field.string('The direction.').options({
        to_json: 'From a message to JSON.',
        from_json: 'From JSON to a message.',
      }),
      message: field.string('The full name of the message type.'),
      discard_unknown: field.bool('Whether `from_json` passes over fields that the type does not have.').default(false),
      use_proto_names: field
        .bool('Whether `to_json` names fields as the file does, and not in camel case.')
        .default(false),
      emit_unpopulated: field.bool('Whether `to_json` shows unset fields, with their defaults.').default(false),
      import_paths: field
        .string('A folder with `.proto` files, at any depth, or a file. Imports are relative to these folders.')
        .needs('files')
        .list()
        .default(UNWRITTEN),
      bsr: field
        .object(
          {
            module: field.string('The module, as in `buf.build/exampleco/mymodule`.'),
            url: field
              .string('The URL of the registry; where it is empty, the module names its host.')
              .default('')
              .advanced(),
            api_key: field.string('The key for the registry; a public module needs none.').default('').secret(),
            version: field.string('The version of the module; the latest where it is empty.').default('').advanced(),
          },
          'Modules of a Buf Schema Registry, instead of `import_paths`.',
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
