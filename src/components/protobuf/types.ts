/** The wire types of protocol buffers. */
export const VARINT = 0
export const FIXED64 = 1
export const DELIMITED = 2
export const GROUP_START = 3
export const GROUP_END = 4
export const FIXED32 = 5

export type ScalarKind =
  | 'double'
  | 'float'
  | 'int32'
  | 'int64'
  | 'uint32'
  | 'uint64'
  | 'sint32'
  | 'sint64'
  | 'fixed32'
  | 'fixed64'
  | 'sfixed32'
  | 'sfixed64'
  | 'bool'
  | 'string'
  | 'bytes'

export type FieldKind = ScalarKind | 'enum' | 'message' | 'group'

export interface FieldType {
  readonly name: string
  readonly fullName: string
  readonly jsonName: string
  readonly number: number
  readonly kind: FieldKind
  readonly isRepeated: boolean
  /** In that case `message` is the type of the entries. */
  readonly isMap: boolean
  readonly isPacked: boolean
  readonly isRequired: boolean
  /** Whether an unset field is distinguishable from zero. */
  readonly hasPresence: boolean
  readonly checksUtf8: boolean
  /** Index of its oneof in the message, or -1. */
  readonly oneof: number
  /** Whether it is in a oneof or is optional in proto3, which counts as a oneof with one member. */
  readonly isAlternative: boolean
  readonly message: MessageType | undefined
  readonly enum: EnumType | undefined
}

export interface MessageType {
  readonly name: string
  readonly fullName: string
  /** In declaration order. */
  readonly fields: readonly FieldType[]
  readonly oneofs: readonly string[]
  readonly messages: readonly MessageType[]
  readonly isMapEntry: boolean
}

export interface EnumType {
  readonly fullName: string
  readonly numbers: ReadonlyMap<string, number>
  /** Of several names with the same number, the first one. */
  readonly names: ReadonlyMap<number, string>
  /** The number of the first value, which is the default of an unset field. */
  readonly first: number
}

const WIRE_TYPES: Readonly<Record<FieldKind, number>> = {
  double: FIXED64,
  float: FIXED32,
  int32: VARINT,
  int64: VARINT,
  uint32: VARINT,
  uint64: VARINT,
  sint32: VARINT,
  sint64: VARINT,
  fixed32: FIXED32,
  fixed64: FIXED64,
  sfixed32: FIXED32,
  sfixed64: FIXED64,
  bool: VARINT,
  string: DELIMITED,
  bytes: DELIMITED,
  enum: VARINT,
  message: DELIMITED,
  group: GROUP_START,
}

export function wireTypeOf(kind: FieldKind): number {
  return WIRE_TYPES[kind]
}

export function isScalar(name: string): name is ScalarKind {
  return Object.hasOwn(WIRE_TYPES, name) && name !== 'enum' && name !== 'message' && name !== 'group'
}
