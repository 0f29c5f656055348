import type { Re2 } from '../../text/re2/re2.ts'
import type { Rational } from './rational.ts'

/** The values of `type`, in the order used in error texts. */
export const SCHEMA_TYPES = ['array', 'boolean', 'integer', 'number', 'null', 'object', 'string'] as const
/** A value of `type`. */
export type SchemaType = (typeof SCHEMA_TYPES)[number]

/** A compiled schema. Absent keywords have no effect. */
export interface Schema {
  /** The value of a boolean schema, `true` or `false`. */
  pass?: boolean
  /** A reference overrides all other keywords. */
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
  /** Canonical JSON, like the elements of `enum`. */
  const?: string
  enum: string[]
  items: Schema[]
  /** Whether `items` is one schema for all items, rather than one for each index. */
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

/** A schema without any keywords. */
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
