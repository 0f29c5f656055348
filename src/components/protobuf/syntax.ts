/**
 * The contents of a `.proto` file or of its descriptor. Type names are as written: a leading dot marks a fully
 * qualified name.
 */
export interface FileSyntax {
  readonly path: string
  readonly package: string
  readonly edition: 'proto2' | 'proto3' | '2023'
  readonly imports: readonly ImportSyntax[]
  readonly features: Features
  readonly messages: readonly MessageSyntax[]
  readonly enums: readonly EnumSyntax[]
}

export interface ImportSyntax {
  readonly path: string
  readonly isPublic: boolean
  readonly isWeak: boolean
  readonly place: Place
}

/** Line and column, both from 1; undefined for a descriptor. */
export type Place = { readonly line: number; readonly column: number } | undefined

/** Features that an edition leaves configurable, for a file, a message or a field. */
export interface Features {
  readonly presence?: 'EXPLICIT' | 'IMPLICIT' | 'LEGACY_REQUIRED'
  readonly packed?: boolean
  readonly delimited?: boolean
  readonly checksUtf8?: boolean
}

export interface MessageSyntax {
  readonly name: string
  readonly fields: readonly FieldSyntax[]
  readonly oneofs: readonly string[]
  readonly messages: readonly MessageSyntax[]
  readonly enums: readonly EnumSyntax[]
  readonly features: Features
  readonly isMapEntry: boolean
  readonly place: Place
}

export interface FieldSyntax {
  readonly name: string
  readonly number: number
  readonly label: 'optional' | 'required' | 'repeated' | undefined
  /** A scalar type, or the name of a message or enum. */
  readonly type: string
  readonly isGroup: boolean
  /** Index into the message's `oneofs`. */
  readonly oneof: number | undefined
  readonly jsonName: string | undefined
  readonly features: Features
  readonly place: Place
}

export interface EnumSyntax {
  readonly name: string
  readonly values: readonly { readonly name: string; readonly number: number }[]
}

/** An invalid schema. The message begins with the file and, if known, the position. */
export class SchemaError extends Error {
  constructor(path: string, place: Place, reason: string) {
    super(`${path}:${place === undefined ? '' : `${place.line}:${place.column}:`} ${reason}`)
    this.name = 'SchemaError'
  }
}
