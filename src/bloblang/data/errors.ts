import { MappingError, WrongTypeError } from '../errors.ts'
import { Float, JsonNumber, Uint64, typeOf } from '../value.ts'
import type { Value } from '../value.ts'
import type { Query } from '../stdlib/spec.ts'
import { formatGoFloat } from '../text/go-float.ts'

/** Puts text before an error of an inner step; it keeps the place that the inner step has given. Rethrows what is not a mapping error. */
export function within(prefix: string, error: unknown): MappingError {
  if (error instanceof WrongTypeError) return new MappingError(`${prefix}: ${describeWrongType(error)}`)
  if (!(error instanceof MappingError)) throw error
  return new MappingError(`${prefix}: ${error.message}`, error.place === 'sealed' ? 'sealed' : 'open')
}

/** Puts the annotation of a query before what it failed with, as far as the text lacks a place. */
export function fromQuery(query: Query, error: unknown): MappingError {
  const annotation = query.annotation ?? 'query'
  if (error instanceof WrongTypeError) return new MappingError(describeWrongType(error, annotation), 'closed')
  if (!(error instanceof MappingError)) throw error
  return error.place === 'open' ? new MappingError(`${annotation}: ${error.message}`, 'sealed') : error
}

/** What a step yields, or a default where it fails. */
export function withDefault(step: () => Value, fallback: Value): Value {
  try {
    return step()
  } catch (error) {
    if (error instanceof MappingError || error instanceof WrongTypeError) return fallback
    throw error
  }
}

/** `expected number value, got string from field `this.a` ("foo")`; the middle part only with a source. */
export function describeWrongType(error: WrongTypeError, source?: string): string {
  const from = source === undefined ? '' : ` from ${source}`
  const shown = shownValue(error.actual)
  return `expected ${joinTypes(error.expected)} value, got ${typeOf(error.actual)}${from}${shown === '' ? '' : ` (${shown})`}`
}

function joinTypes(types: readonly string[]): string {
  if (types.length < 2) return types.join('')
  return `${types.slice(0, -1).join(', ')} or ${types.at(-1)}`
}

/** Only scalars are shown; a text in bare quotes, without escapes. */
function shownValue(value: Value): string {
  if (typeof value === 'string') return `"${value}"`
  if (typeof value === 'boolean' || typeof value === 'number' || typeof value === 'bigint') return String(value)
  if (value instanceof JsonNumber) return value.text
  if (value instanceof Uint64) return String(value.value)
  return value instanceof Float ? formatGoFloat(value.value) : ''
}
