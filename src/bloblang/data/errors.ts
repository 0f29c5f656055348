import { MappingError, WrongTypeError } from '../errors.ts'
import { Float, JsonNumber, Uint64, typeOf } from '../value.ts'
import type { Value } from '../value.ts'
import type { Query } from '../stdlib/spec.ts'
import { formatGoFloat } from '../text/go-float.ts'

/** Prefixes the error of an inner step and keeps its location, if it has one. Rethrows anything but mapping errors. */
export function within(prefix: string, error: unknown): MappingError {
  if (error instanceof WrongTypeError) return new MappingError(`${prefix}: ${describeWrongType(error)}`)
  if (!(error instanceof MappingError)) throw error
  return new MappingError(`${prefix}: ${error.message}`, error.place === 'sealed' ? 'sealed' : 'open')
}

/** Prefixes the error of a query with the query's annotation, unless the text already has a location. */
export function fromQuery(query: Query, error: unknown): MappingError {
  const annotation = query.annotation ?? 'query'
  if (error instanceof WrongTypeError) return new MappingError(describeWrongType(error, annotation), 'closed')
  if (!(error instanceof MappingError)) throw error
  return error.place === 'open' ? new MappingError(`${annotation}: ${error.message}`, 'sealed') : error
}

/** The result of a step, or a default if it fails. */
export function withDefault(step: () => Value, fallback: Value): Value {
  try {
    return step()
  } catch (error) {
    if (error instanceof MappingError || error instanceof WrongTypeError) return fallback
    throw error
  }
}

/** `expected number value, got string from field `this.a` ("foo")`; without a source, the `from` part is omitted. */
export function describeWrongType(error: WrongTypeError, source?: string): string {
  const from = source === undefined ? '' : ` from ${source}`
  const shown = shownValue(error.actual)
  return `expected ${joinTypes(error.expected)} value, got ${typeOf(error.actual)}${from}${shown === '' ? '' : ` (${shown})`}`
}

function joinTypes(types: readonly string[]): string {
  if (types.length < 2) return types.join('')
  return `${types.slice(0, -1).join(', ')} or ${types.at(-1)}`
}

/** Only scalars are shown; texts in plain quotes, without escapes. */
function shownValue(value: Value): string {
  if (typeof value === 'string') return `"${value}"`
  if (typeof value === 'boolean' || typeof value === 'number' || typeof value === 'bigint') return String(value)
  if (value instanceof JsonNumber) return value.text
  if (value instanceof Uint64) return String(value.value)
  return value instanceof Float ? formatGoFloat(value.value) : ''
}
