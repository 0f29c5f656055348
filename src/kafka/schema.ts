// The format of the schemas `schemas/NN-name.ts`. tools/generators/kafka.ts turns each into `messages/NN-name.gen.ts`.

/** `'3+'`, `'0-12'` or `'4'`. */
export type VersionRange = `${number}+` | `${number}-${number}` | `${number}`

export type PrimitiveType =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint16'
  | 'float64'
  | 'string'
  | 'uuid'
  | 'bytes'
  | 'records'

/** A primitive, a struct (its name begins with a capital) or an array of either. */
type FieldType = PrimitiveType | `[]${PrimitiveType}` | Capitalize<string> | `[]${Capitalize<string>}`

/**
 * One field of a message, in wire order. A decoded message holds the default
 * for fields that its version does not carry.
 */
export interface Field {
  readonly name: string
  readonly type: FieldType
  /** The versions that carry the field; defaults to all. */
  readonly versions?: VersionRange
  /** The versions in which null is legal. A nullable field defaults to null. */
  readonly nullable?: VersionRange
  /** The tag of a tagged field (KIP-482), which is only written if it differs from its default. */
  readonly tag?: number
  /** The value if the version has no such field or the writer omits it; otherwise zero, empty or null. */
  readonly default?: number | string | boolean
  /** Explains the field where its name does not; becomes its docstring. */
  readonly about?: string
  /** The fields of a struct; omitted for a struct that the same message has defined before. */
  readonly fields?: readonly Field[]
}

/** One Kafka API: a request and its response in every version that we support. */
export interface Schema {
  readonly key: number
  readonly name: string
  readonly versions: `${number}-${number}`
  /** The versions with compact lengths and tagged fields (KIP-482). */
  readonly flexible: `${number}+` | 'none'
  readonly request: readonly Field[]
  readonly response: readonly Field[]
}
