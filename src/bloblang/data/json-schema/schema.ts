import type { Re2 } from '../../text/re2/re2.ts'
import type { Rational } from './rational.ts'

/** The types that `type` may name, in the order of error texts. */
export const SCHEMA_TYPES = ['array', 'boolean', 'integer', 'number', 'null', 'object', 'string'] as const
/** One of them. */
export type SchemaType = (typeof SCHEMA_TYPES)[number]

/** A schema in the form in which it is applied. What it does not say is absent. */
export interface Schema {
  /** `true` and `false` as schemas. */
  pass?: boolean
  /** A reference decides alone. */
  reference?: Schema
  types: SchemaType[]
  anyOf: Schema[]
  oneOf: Schema[]
  allOf: Schema[]
  not?: Schema
  if?: Schema
  then?: Schema
  else?: Schema
  dependencies: Map<string, readonly string[] | Schema>
  /** Canonical JSON, as are the members of `enum`. */
  const?: string
  enum: string[]
  items: Schema[]
  /** One schema for all the items, not one for each place. */
  singleItem: boolean
  additionalItems?: boolean | Schema
  minItems?: bigint
  maxItems?: bigint
  uniqueItems: boolean
  contains?: Schema
  properties: Map<string, Schema>
  patternProperties: (readonly [Re2, Schema])[]
  additionalProperties?: boolean | Schema
  propertyNames?: Schema
  minProperties?: bigint
  maxProperties?: bigint
  required: string[]
  multipleOf?: Rational
  minimum?: Rational
  exclusiveMinimum?: Rational
  maximum?: Rational
  exclusiveMaximum?: Rational
  minLength?: bigint
  maxLength?: bigint
  pattern?: Re2
  format?: string
}

/** A schema that says nothing yet. */
export function emptySchema(): Schema {
  return {
    types: [],
    anyOf: [],
    oneOf: [],
    allOf: [],
    dependencies: new Map(),
    enum: [],
    items: [],
    singleItem: false,
    uniqueItems: false,
    properties: new Map(),
    patternProperties: [],
    required: [],
  }
}
