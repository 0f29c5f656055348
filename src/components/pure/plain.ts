import { Float, JsonNumber, Timestamp, Uint64, type Value } from '../../bloblang/index.ts'

/** Converts a value to plain JavaScript for logs; numbers that JavaScript cannot represent keep their JSON text. */
export function plainJson(value: Value): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : rawJson(String(value))
  if (typeof value === 'symbol') return null
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Float) return value.value
  if (value instanceof Uint64) return plainJson(value.value)
  if (value instanceof JsonNumber) return rawJson(value.text)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8')
  if (value instanceof Timestamp) return new Date(Number(value.unixNanos / 1_000_000n)).toISOString()
  if (Array.isArray(value)) return value.map(item => plainJson(item))
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, plainJson(child)]))
}

/** Text that `JSON.stringify` emits unchanged. */
function rawJson(text: string): unknown {
  // TypeScript's types lack JSON.rawJSON.
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(text)
}
