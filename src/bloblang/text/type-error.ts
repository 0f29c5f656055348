import type { WrongTypeError } from '../errors.ts'
import { Float, JsonNumber, typeOf, Uint64, type Value } from '../value.ts'
import { formatFloat } from './go-float.ts'

/** The text of a wrong type where it becomes part of a longer message: `expected string value, got number (1)`. */
export function wrongTypeText(error: WrongTypeError): string {
  const shown = valueText(error.actual)
  return `expected ${expectation(error.expected)} value, got ${typeOf(error.actual)}${shown === '' ? '' : ` (${shown})`}`
}

function expectation(types: readonly string[]): string {
  return types.length < 2 ? types.join('') : `${types.slice(0, -1).join(', ')} or ${types.at(-1)!}`
}

function valueText(value: Value): string {
  if (typeof value === 'string') return `"${value}"`
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  if (value instanceof JsonNumber) return value.text
  if (value instanceof Uint64) return String(value.value)
  if (value instanceof Float) return formatFloat(value.value, 'g', -1)
  return ''
}
