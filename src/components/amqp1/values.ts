// Conversion between AMQP 1.0 and Bloblang values.
import { Buffer } from 'node:buffer'
import type { Typed, Types } from 'rhea'
import { isRecord } from '../../base/index.ts'
import {
  Float,
  isArray,
  isObject,
  JsonNumber,
  Opaque,
  setOwn,
  Timestamp,
  toText,
  Uint64,
  type Value,
} from '../../bloblang/index.ts'

/** The library's representation of a body's sections. */
interface Sections {
  readonly content: unknown
  readonly multiple?: boolean
  collect_sections(sections: unknown[]): void
}

/** The body of a message as a value: data and text as they are, anything else as a document; empty if it has none. */
export function bodyOf(body: unknown): Value {
  if (body === undefined || body === null) return new Uint8Array(0)
  if (!isSections(body)) return valueOf(body)
  const { content, multiple = false } = body
  const parts = multiple && Array.isArray(content) ? content : [content]
  // A body consists of data or of sequences, in any number of sections.
  return parts.every(part => Buffer.isBuffer(part)) ? Buffer.concat(parts) : parts.map(valueOf).flat()
}

/** Detected by a method, since a map may have any keys. */
function isSections(body: unknown): body is Sections {
  return isRecord(body) && typeof body['collect_sections'] === 'function'
}

function valueOf(item: unknown): Value {
  switch (typeof item) {
    case 'boolean':
    case 'string':
      return item
    case 'number':
      return Number.isSafeInteger(item) ? BigInt(item) : item
    default:
      break
  }
  if (item instanceof Date) return item.toISOString()
  if (item instanceof Uint8Array) return item
  if (Array.isArray(item)) return item.map(valueOf)
  if (!isRecord(item)) return null
  // A described value, whose meaning is unknown here; only the value it contains is used.
  if ('descriptor' in item && 'type' in item) return valueOf(item['value'])
  const document: Record<string, Value> = {}
  for (const [key, value] of Object.entries(item)) setOwn(document, key, valueOf(value))
  return document
}

/** Builds a map for annotations or application properties. */
export function amqpMap(entries: Iterable<readonly [string, Value]>, types: Types): Record<string, unknown> {
  // Without a prototype, so that any key is safe.
  const map = Object.create(null) as Record<string, unknown> // typed by the library as `any`
  for (const [key, value] of entries) map[key] = amqpValue(value, types)
  return map
}

/** Encodes a value for the library, with the types that the original uses. */
function amqpValue(value: Value, types: Types): Typed | string | boolean | null {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') return types.wrap_double(value)
  if (typeof value === 'bigint') return types.wrap_long(longBytes(BigInt.asIntN(64, value)))
  if (value instanceof Float) return types.wrap_double(value.value)
  if (value instanceof Uint64) return types.wrap_ulong(longBytes(BigInt.asIntN(64, value.value)))
  if (value instanceof JsonNumber) return amqpNumber(value.text, types)
  if (value instanceof Uint8Array) return types.wrap_binary(Buffer.from(value))
  if (value instanceof Timestamp) return types.wrap_timestamp(Number(value.unixNanos / 1_000_000n))
  if (value instanceof Opaque) return amqpValue(Opaque.contentOf(value), types)
  if (isArray(value)) return types.wrap_list(value.map(each => amqpValue(each, types)))
  if (isObject(value)) return types.wrap_map(amqpMap(Object.entries(value), types))
  return toText(value)
}

/** Converts the digits of a number: to an integer if it is one and fits. */
function amqpNumber(text: string, types: Types): Typed {
  const integer = /^-?\d{1,19}$/.test(text) ? BigInt(text) : null
  if (integer === null || BigInt.asIntN(64, integer) !== integer) return types.wrap_double(Number(text))
  return types.wrap_long(longBytes(integer))
}

function longBytes(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(value)
  return bytes
}
