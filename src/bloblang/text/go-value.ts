import { formatGoFloat } from './go-float.ts'
import { sortedKeys } from '../data/text-order.ts'
import { goTimeString } from './go-time.ts'
import {
  Float,
  JsonNumber,
  NarrowFloat,
  NarrowInteger,
  Opaque,
  Timestamp,
  Uint64,
  type Value,
  type ValueObject,
} from '../value.ts'

/** Formats a value as the original's error texts do (`%v`): `map[a:1]`, `[1 2]`, `<nil>`. */
export function toPlainText(value: Value): string {
  if (value === null || typeof value === 'symbol') return '<nil>'
  if (typeof value !== 'object') return String(value)
  if (Array.isArray(value)) return `[${value.map(toPlainText).join(' ')}]`
  if (value instanceof Uint8Array) return `[${[...value].join(' ')}]`
  if (value instanceof Float) return formatGoFloat(value.value)
  if (value instanceof Uint64) return String(value.value)
  if (value instanceof JsonNumber) return value.text
  if (value instanceof Timestamp) return goTimeString(value)
  if (value instanceof Opaque) return toPlainText(Opaque.contentOf(value))
  const object = value as ValueObject // an object is all that is left
  return `map[${sortedKeys(object)
    .map(key => `${key}:${toPlainText(object[key]!)}`)
    .join(' ')}]`
}

/** The Go type name of a value (`%T`). */
export function goTypeName(value: Value): string {
  switch (typeof value) {
    case 'string':
      return 'string'
    case 'boolean':
      return 'bool'
    case 'bigint':
      return 'int64'
    case 'number':
      return 'json.Number'
    case 'symbol':
      return value.description === 'deleted' ? 'value.Delete' : 'value.Nothing'
    default: // an object or null
      if (value === null) return '<nil>'
      if (Array.isArray(value)) return '[]interface {}'
      if (value instanceof Uint8Array) return '[]uint8'
      if (value instanceof NarrowInteger) return value.type
      if (value instanceof NarrowFloat) return 'float32'
      if (value instanceof Float) return 'float64'
      if (value instanceof Uint64) return 'uint64'
      if (value instanceof JsonNumber) return 'json.Number'
      if (value instanceof Opaque) return '[]map[string]interface {}'
      return value instanceof Timestamp ? 'time.Time' : 'map[string]interface {}'
  }
}
