import { type Schema, schemaOfSources } from './link.ts'
import type { EnumSyntax, Features, FieldSyntax, FileSyntax, MessageSyntax } from './syntax.ts'
import { JsonPrinter } from './to-json.ts'
import { WELL_KNOWN } from './well-known.ts'

// Named as in descriptor.proto; JSON omits what is not set.
interface FeatureSet {
  readonly field_presence?: string
  readonly repeated_field_encoding?: string
  readonly message_encoding?: string
  readonly utf8_validation?: string
}
interface Options {
  readonly features?: FeatureSet
}
interface FieldJson {
  readonly name: string
  readonly number: number
  readonly label?: string
  readonly type?: string
  readonly type_name?: string
  readonly oneof_index?: number
  readonly json_name?: string
  readonly proto3_optional?: boolean
  readonly options?: Options & { readonly packed?: boolean }
}
interface EnumJson {
  readonly name: string
  readonly value?: readonly { readonly name: string; readonly number?: number }[]
}
interface MessageJson {
  readonly name: string
  readonly field?: readonly FieldJson[]
  readonly nested_type?: readonly MessageJson[]
  readonly enum_type?: readonly EnumJson[]
  readonly oneof_decl?: readonly { readonly name: string }[]
  readonly options?: Options & { readonly map_entry?: boolean }
}
interface FileJson {
  readonly name: string
  readonly package?: string
  readonly dependency?: readonly string[]
  readonly public_dependency?: readonly number[]
  readonly message_type?: readonly MessageJson[]
  readonly enum_type?: readonly EnumJson[]
  readonly syntax?: string
  readonly edition?: string
  readonly options?: Options
}

let descriptors: Schema | undefined

/** The files of a `FileDescriptorSet`, as written by `protoc --descriptor_set_out`. Throws `ProtobufError`. */
export function readDescriptorSet(bytes: Uint8Array): readonly FileSyntax[] {
  const path = 'google/protobuf/descriptor.proto'
  descriptors ??= schemaOfSources(new Map([[path, WELL_KNOWN[path]!]]))
  const printer = new JsonPrinter(descriptors, { useProtoNames: true, emitUnpopulated: false })
  const json = printer.print(descriptors.messages.get('google.protobuf.FileDescriptorSet')!, bytes)
  // The printed JSON has the shape of the message type.
  const { file = [] } = JSON.parse(new TextDecoder().decode(json)) as { readonly file?: readonly FileJson[] }
  return file.map(fileOf)
}

function fileOf(file: FileJson): FileSyntax {
  const edition =
    file.syntax === 'editions' || file.edition === 'EDITION_2023'
      ? '2023'
      : file.syntax === 'proto3'
        ? 'proto3'
        : 'proto2'
  return {
    path: file.name,
    package: file.package ?? '',
    edition,
    imports: (file.dependency ?? []).map((path, index) => ({
      path,
      isPublic: file.public_dependency?.includes(index) === true,
      isWeak: false,
      place: undefined,
    })),
    features: featuresOf(file.options),
    messages: (file.message_type ?? []).map(messageOf),
    enums: (file.enum_type ?? []).map(enumOf),
  }
}

function messageOf(message: MessageJson): MessageSyntax {
  return {
    name: message.name,
    fields: (message.field ?? []).map(fieldOf),
    oneofs: (message.oneof_decl ?? []).map(({ name }) => name),
    messages: (message.nested_type ?? []).map(messageOf),
    enums: (message.enum_type ?? []).map(enumOf),
    features: featuresOf(message.options),
    isMapEntry: message.options?.map_entry === true,
    place: undefined,
  }
}

function fieldOf(field: FieldJson): FieldSyntax {
  const { type = '', label, options } = field
  const packed = options?.packed
  return {
    name: field.name,
    number: field.number,
    // In proto3 only an explicitly optional field is optional, although its descriptor marks all fields so.
    label:
      label === 'LABEL_REPEATED'
        ? 'repeated'
        : label === 'LABEL_REQUIRED'
          ? 'required'
          : field.proto3_optional === true
            ? 'optional'
            : undefined,
    type: field.type_name ?? type.replace('TYPE_', '').toLowerCase(),
    isGroup: type === 'TYPE_GROUP',
    // The synthetic oneof of an optional field does not count as one.
    oneof: field.proto3_optional === true ? undefined : field.oneof_index,
    jsonName: field.json_name,
    features: packed === undefined ? featuresOf(options) : { ...featuresOf(options), packed },
    place: undefined,
  }
}

function enumOf({ name, value = [] }: EnumJson): EnumSyntax {
  return { name, values: value.map(each => ({ name: each.name, number: each.number ?? 0 })) }
}

function featuresOf(options: Options | undefined): Features {
  const features = options?.features ?? {}
  const presence = features.field_presence
  return {
    ...(presence === 'EXPLICIT' || presence === 'IMPLICIT' || presence === 'LEGACY_REQUIRED' ? { presence } : {}),
    ...(features.repeated_field_encoding === undefined
      ? {}
      : { packed: features.repeated_field_encoding === 'PACKED' }),
    ...(features.message_encoding === undefined ? {} : { delimited: features.message_encoding === 'DELIMITED' }),
    ...(features.utf8_validation === undefined ? {} : { checksUtf8: features.utf8_validation === 'VERIFY' }),
  }
}
