import Type, {
  type Static,
  type TEnum,
  type TNull,
  type TObject,
  type TProperties,
  type TSchema,
  type TUnion,
} from 'typebox'
import type { AccessLevel } from './access.ts'
import type { ChangedSubject } from './events.ts'

/** An endpoint as clients see it. Types, checks, documentation and OpenAPI are all derived from this value. */
export interface Endpoint<
  Request extends TObject = TObject,
  Response extends TObject = TObject,
  Access extends AccessLevel = AccessLevel,
  AnsweredBy extends 'control plane' | 'agent' = 'control plane' | 'agent',
> {
  /** One sentence in the imperative or indicative, for the documentation. */
  readonly summary: string
  readonly access: Access
  readonly request: Request
  readonly response: Response
  /** Questions about the data of a cluster are relayed to one of its agents. */
  readonly answeredBy: AnsweredBy
  /** What an agent's answer has changed, so that open pages reload it. */
  readonly changes?: ChangedSubject
}

/** Declares an endpoint that the control plane answers. */
export function endpoint<Request extends TObject, Response extends TObject, Access extends AccessLevel>(
  declared: Omit<Endpoint<Request, Response, Access>, 'answeredBy'>,
): Endpoint<Request, Response, Access, 'control plane'> {
  return { ...declared, answeredBy: 'control plane' }
}

/** Declares an endpoint that an agent of the cluster answers. */
export function agentEndpoint<Request extends TObject, Response extends TObject, Access extends AccessLevel>(
  declared: Omit<Endpoint<Request, Response, Access>, 'answeredBy'>,
): Endpoint<Request, Response, Access, 'agent'> {
  return { ...declared, answeredBy: 'agent' }
}

/** The TypeScript type of a schema, deeply read-only. */
export type Shape<Schema extends TSchema> = DeepReadonly<Static<Schema>>

type DeepReadonly<Value> = Value extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : Value extends object
    ? { readonly [Key in keyof Value]: DeepReadonly<Value[Key]> }
    : Value

// ── Building blocks of the schemas ──────────────────────────────────────────────────────────────────────────────────

/** An object schema with its own name in the OpenAPI document. */
export function named<Properties extends TProperties>(
  name: string,
  properties: Properties,
  description?: string,
): TObject<Properties> {
  return Type.Object(properties, { title: name, ...(description !== undefined && { description }) })
}

export const text = (description?: string) => Type.String(describe(description))
export const flag = (description?: string) => Type.Boolean(describe(description))
export const number = (description?: string) => Type.Number(describe(description))
export const integer = (description?: string) => Type.Integer(describe(description))
/** A whole number from `minimum` to `maximum`. */
export const integerIn = (minimum: number, maximum: number, description?: string) =>
  Type.Integer({ minimum, maximum, ...describe(description) })
export const timestamp = (description?: string) =>
  Type.String({ format: 'date-time', examples: ['2026-11-23T01:56:00.000Z'], ...describe(description) })
export const list = <Item extends TSchema>(item: Item, description?: string) => Type.Array(item, describe(description))
export const texts = (description?: string) => Type.Record(Type.String(), Type.String(), describe(description))
export const object = <Properties extends TProperties>(properties: Properties, description?: string) =>
  Type.Object(properties, describe(description))
export const nullable = <Schema extends TSchema>(schema: Schema, description?: string): TUnion<[Schema, TNull]> =>
  Type.Union([schema, Type.Null()], describe(description))
export const oneOf = <const Values extends string[]>(
  values: readonly [...Values],
  description?: string,
): TEnum<Values> => Type.Enum([...values], describe(description)) as TEnum<Values> // typebox loses the tuple

/** A field that may be absent. Null counts as absent: the clients of the original send it. */
export const optional = Type.Optional

function describe(description: string | undefined) {
  return description === undefined ? {} : { description }
}
