import { describeWrongType } from '../data/errors.ts'
import { getBool, getInt, getNumber } from '../data/coerce.ts'
import { MappingError, WrongTypeError } from '../errors.ts'
import { utf8Text } from '../text/bytes.ts'
import { type Value, isObject, typeOf } from '../value.ts'
import { getTimestamp } from '../data/time/timestamp.ts'
import type { Query } from './ast.ts'
import type { Param } from '../stdlib/spec.ts'

/** What the parser needs to know about a function or method; implemented by the specs and by the table for browsers. */
export interface Signature {
  readonly name: string
  readonly params: readonly Param[]
  readonly variadic?: boolean
}

/** An argument as written. */
export interface WrittenArgument {
  readonly name: string | null
  readonly query: Query
}

/** An argument bound to a parameter: known, computed at each call, or passed as a query. Undefined if omitted. */
export type BoundArgument =
  | { readonly kind: 'known'; readonly value: ArgumentValue; readonly query: Query | null }
  | { readonly kind: 'computed'; readonly query: Query }
  | { readonly kind: 'query'; readonly query: Query }
  | undefined

/** The arguments of a call, bound to its parameters. */
export interface BoundArguments {
  /** In the order of the parameters. */
  readonly values: readonly BoundArgument[]
  /** Argument names, for the printer; empty if the arguments are unnamed. */
  readonly names: readonly string[]
  /** The queries of the arguments as written, in the order of `names` if they are named. */
  readonly written: readonly Query[]
}

/** A value as a function receives it. */
export type ArgumentValue = Value | undefined

/** Arguments that do not match the parameters; the text is the original's. */
export class ArgumentError {
  readonly message: string
  readonly suggestions: readonly string[]
  constructor(message: string, suggestions: readonly string[] = []) {
    this.message = message
    this.suggestions = suggestions
  }
}

/** Binds arguments to parameters and checks those whose value is known. */
export function bindArguments(
  signature: Signature,
  written: readonly WrittenArgument[],
): BoundArguments | ArgumentError {
  const named = new Map<string, Query>()
  const unnamed: Query[] = []
  for (const { name, query } of written) {
    if (name === null) {
      unnamed.push(query)
      continue
    }
    if (named.has(name)) return new ArgumentError(`duplicate named arg: ${name}`)
    named.set(name, query)
  }
  if (named.size > 0 && unnamed.length > 0) return new ArgumentError('cannot mix named and nameless arguments')
  const values = named.size > 0 ? bindNamed(signature, named) : bindUnnamed(signature, unnamed)
  if (values instanceof ArgumentError) return values
  for (const [index, param] of signature.params.entries()) {
    if (param.static === true && values[index]?.kind === 'computed') {
      return new ArgumentError(`param ${param.name} must not be dynamic`)
    }
  }
  return { values, names: [...named.keys()], written: named.size > 0 ? [...named.values()] : unnamed }
}

function bindUnnamed(signature: Signature, queries: readonly Query[]): readonly BoundArgument[] | ArgumentError {
  if (signature.variadic === true) {
    return queries.map(query =>
      query.kind === 'literal' ? { kind: 'known', value: query.value, query } : { kind: 'computed', query },
    )
  }
  const { params } = signature
  if (queries.length > params.length) {
    return new ArgumentError(`wrong number of arguments, expected ${params.length}, got ${queries.length}`)
  }
  const values: BoundArgument[] = []
  const missing: string[] = []
  for (const [index, param] of params.entries()) {
    const bound = bindOne(param, queries[index], missing)
    if (bound instanceof ArgumentError) return bound
    values.push(bound)
  }
  return missing.length > 0 ? missingParameters(missing) : values
}

function bindNamed(
  signature: Signature,
  queries: ReadonlyMap<string, Query>,
): readonly BoundArgument[] | ArgumentError {
  if (signature.variadic === true) return new ArgumentError('named arguments are not supported')
  const values: BoundArgument[] = []
  const missing: string[] = []
  for (const param of signature.params) {
    const bound = bindOne(param, queries.get(param.name), missing)
    if (bound instanceof ArgumentError) return bound
    values.push(bound)
  }
  const known = new Set(signature.params.map(({ name }) => name))
  const unknown = [...queries.keys()].filter(name => !known.has(name)).toSorted()
  if (unknown.length > 0) {
    const hint =
      missing.length === 0
        ? ''
        : missing.length === 1
          ? `, did you mean ${missing[0]!}?`
          : `, expected ${missing.join(', ')}`
    return new ArgumentError(`unknown parameter${unknown.length > 1 ? 's' : ''} ${unknown.join(', ')}${hint}`, missing)
  }
  return missing.length > 0 ? missingParameters(missing) : values
}

function missingParameters(missing: readonly string[]): ArgumentError {
  return new ArgumentError(`missing parameter${missing.length > 1 ? 's' : ''}: ${missing.join(', ')}`)
}

function bindOne(param: Param, query: Query | undefined, missing: string[]): BoundArgument | ArgumentError {
  if (query === undefined) {
    if (param.default !== undefined) return { kind: 'known', value: defaultValue(param), query: null }
    if (param.optional !== true) missing.push(param.name)
    return undefined
  }
  if (param.type === 'query') return { kind: 'query', query }
  if (query.kind !== 'literal') return { kind: 'computed', query }
  try {
    return { kind: 'known', value: readArgument(param, query.value), query }
  } catch (error) {
    return new ArgumentError(`field ${param.name}: ${textOfError(error)}`)
  }
}

function defaultValue(param: Param): ArgumentValue {
  const value = param.default!
  return param.type === 'integer' && typeof value === 'number' ? BigInt(value) : value
}

/** Converts a value as its parameter requires: `integer` → bigint, `float` → number … Throws the original's errors. */
export function readArgument(param: Param, value: Value): ArgumentValue {
  switch (param.type) {
    case 'integer':
      return getInt(value)
    case 'float':
      return getNumber(value)
    case 'bool':
      return getBool(value)
    case 'string':
      if (typeof value === 'string') return value
      if (value instanceof Uint8Array) return utf8Text(value)
      break
    case 'array':
      if (Array.isArray(value)) return value
      break
    case 'object':
      if (isObject(value)) return value
      break
    case 'timestamp':
      return getTimestamp(value)
    case 'unknown':
      return value
    case 'query':
      break
  }
  const expected = param.type === 'query' ? 'query expression' : param.type
  throw new MappingError(`wrong argument type, expected ${expected}, got ${typeOf(value)}`)
}

function textOfError(error: unknown): string {
  if (error instanceof WrongTypeError) return describeWrongType(error)
  if (error instanceof MappingError) return error.message
  throw error
}
