import {
  Float,
  isObject,
  JsonNumber,
  sprintf,
  Timestamp,
  Uint64,
  type Value,
  type ValueObject,
} from '../../bloblang/index.ts'

/** Formats a value like Go. */
export function goText(value: Value): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  return sprintf('%v', [value])
}

/** Go sees numbers in documents as strings, so none of them is false. */
export function isTrue(value: Value): boolean {
  if (value === null || value === false || value === '') return false
  if (typeof value === 'bigint') return value !== 0n
  if (value instanceof Float) return value.value !== 0
  if (Array.isArray(value)) return value.length > 0
  if (value instanceof Uint8Array) return value.length > 0
  return isObject(value) ? Object.keys(value).length > 0 : true
}

export function keysOf(object: ValueObject): readonly string[] {
  return Object.keys(object).sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)))
}

/** The number in a value; undefined if it is not one. */
export function numberOf(value: Value): number | bigint | undefined {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value
  if (value instanceof Float) return value.value
  if (value instanceof Uint64) return value.value
  if (value instanceof JsonNumber) return /^-?\d+$/.test(value.text) ? BigInt(value.text) : Number(value.text)
  return undefined
}

export function typeName(value: Value): string {
  if (value === null) return '<nil>'
  if (typeof value === 'string') return 'string'
  if (typeof value === 'boolean') return 'bool'
  if (typeof value === 'bigint') return 'int64'
  if (value instanceof Float) return 'float64'
  if (typeof value === 'number' || value instanceof JsonNumber) return 'json.Number'
  if (Array.isArray(value)) return '[]interface {}'
  if (value instanceof Timestamp) return 'time.Time'
  return isObject(value) ? 'map[string]interface {}' : '[]uint8'
}
