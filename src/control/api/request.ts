import { fieldsOf } from '../../base/index.ts'
import type { TObject, TSchema } from 'typebox'
import { Check, Errors } from 'typebox/value'
import type { Shape } from '../contract/endpoint.ts'
import { ControlError } from '../errors.ts'

/**
 * Reads a request's body by its schema. Null counts as absent if the field is optional; fields that the schema does not
 * name are ignored. Throws `invalid_request` with the position of the first error.
 */
export function readRequest<Request extends TObject>(schema: Request, body: unknown): Shape<Request> {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new ControlError('invalid_request', 'the body has to be a JSON object')
  const request = withoutNulls(schema, fieldsOf(body))
  if (!Check(schema, request)) throw new ControlError('invalid_request', firstMistake(schema, request))
  return request as Shape<Request> // checked by the schema that the type is derived from
}

function withoutNulls(schema: TObject, body: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const required = new Set<string>(schema.required ?? [])
  return Object.fromEntries(
    Object.keys(schema.properties).flatMap(name => {
      const value = Object.hasOwn(body, name) ? body[name] : undefined
      const isAbsent = value === undefined || (value === null && !required.has(name))
      return isAbsent ? [] : [[name, value]]
    }),
  )
}

function firstMistake(schema: TObject, request: unknown): string {
  const [error] = Errors(schema, request)
  const path = (error?.instancePath ?? '').split('/').slice(1)
  if (error?.keyword === 'required') {
    // The parameters of this kind of error.
    const { requiredProperties } = error.params as { readonly requiredProperties: readonly string[] }
    return `${placeOf([...path, requiredProperties[0]!])} is missing`
  }
  const place = placeOf(path)
  return `${place === '' ? 'the body' : place} has to be ${expectationOf(schemaAt(schema, path))}`
}

/** The path of a field, such as `positions[2].offset`. */
function placeOf(path: readonly string[]): string {
  return path.map((part, index) => (/^\d+$/.test(part) ? `[${part}]` : index === 0 ? part : `.${part}`)).join('')
}

/** The parts of JSON Schema that requests use. */
interface AnySchema {
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly AnySchema[]
  readonly minimum?: number
  readonly maximum?: number
  readonly items?: AnySchema
  readonly properties?: Readonly<Record<string, AnySchema>>
  readonly patternProperties?: Readonly<Record<string, AnySchema>>
}

function schemaAt(schema: TSchema, path: readonly string[]): AnySchema {
  let at = schema as AnySchema // only what all schemas have is read
  for (const part of path) {
    const inside = at.anyOf?.find(({ type }) => type !== 'null') ?? at
    at = inside.properties?.[part] ?? inside.items ?? Object.values(inside.patternProperties ?? {})[0] ?? {}
  }
  return at
}

function expectationOf(schema: AnySchema): string {
  if (schema.anyOf !== undefined) return schema.anyOf.map(expectationOf).join(' or ')
  if (schema.enum !== undefined) return schema.enum.map(value => JSON.stringify(value)).join(' or ')
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  switch (schema.type) {
    case 'string':
      return 'text'
    case 'integer':
      return integerExpectation(schema)
    case 'boolean':
      return 'true or false'
    case 'array':
      return 'a list'
    default:
      return schema.type === 'number' || schema.type === 'null' ? schema.type : 'an object'
  }
}

function integerExpectation({ minimum, maximum }: AnySchema): string {
  if (minimum === undefined || maximum === undefined) return 'a whole number'
  return `a whole number from ${minimum} to ${maximum}`
}
