/** What a `.proto` file, or its descriptor, says. Names of types are as written: a leading dot marks a full one. */
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

/** Line and column, both from 1; undefined in what comes from a descriptor. */
export type Place = { readonly line: number; readonly column: number } | undefined

/** What an edition leaves to be chosen, for a file, a message or a field. */
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
  /** A scalar, or the name of a message or enum. */
  readonly type: string
  readonly isGroup: boolean
  /** Its place in the message's `oneofs`. */
  readonly oneof: number | undefined
  readonly jsonName: string | undefined
  readonly features: Features
  readonly place: Place
}

export interface EnumSyntax {
  readonly name: string
  readonly values: readonly { readonly name: string; readonly number: number }[]
}

/** A schema that cannot be used. Its text begins with the file and, where it is known, the place. */
export class SchemaError extends Error {
  constructor(path: string, place: Place, reason: string) {
    super(`${path}:${place === undefined ? '' : `${place.line}:${place.column}:`} ${reason}`)
    this.name = 'SchemaError'
  }
}
