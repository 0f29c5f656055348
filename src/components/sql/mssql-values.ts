import type { Buffer } from 'node:buffer'
import parser from 'tedious/lib/value-parser.js'
import { Timestamp } from '../../bloblang/index.ts'

type ReadValue = typeof parser.readValue
type Metadata = Parameters<ReadValue>[2]

/** 0001-01-01, from which SQL Server counts days, in days since 1970-01-01. */
const YEAR_ONE_DAYS = -719_162n
const DAY_NANOS = 86_400_000_000_000n

const readValue = parser.readValue
let isExact = false

/**
 * Makes the client read numbers with decimals as exact text, and times with their offset: it would read the former as
 * floating-point numbers, and drop the latter. There is no option for that, so its reader is replaced.
 */
export function readExactly(): void {
  if (isExact) return
  isExact = true
  // The client's types declare the module's functions as constants.
  ;(parser as { readValue: ReadValue }).readValue = (buffer, at, metadata, options) =>
    exactValue(buffer, at, metadata) ?? readValue(buffer, at, metadata, options)
}

type Read = ReturnType<ReadValue>

/** The value of a type that is read here, and where it ends; undefined for all others and for NULL. */
function exactValue(buffer: Buffer, at: number, { type, scale = 0 }: Metadata): Read | undefined {
  const width = widthOf(type.name, at < buffer.length ? buffer.readUInt8(at) : 0)
  if (width === undefined || width.bytes === 0) return undefined
  const start = at + width.prefix
  const end = start + width.bytes
  // The client's own reader reports that bytes are missing; it is called again when they have arrived.
  if (end > buffer.length) return undefined
  return result(decoded(type.name, buffer.subarray(start, end), scale), end)
}

/** The bytes of a value of a type that is read here, and of its length in front. */
function widthOf(type: string, length: number): { readonly prefix: 0 | 1; readonly bytes: number } | undefined {
  switch (type) {
    case 'SmallMoney':
      return { prefix: 0, bytes: 4 }
    case 'Money':
      return { prefix: 0, bytes: 8 }
    case 'MoneyN':
    case 'NumericN':
    case 'DecimalN':
    case 'DateTimeOffset':
      return { prefix: 1, bytes: length }
    default:
      return undefined
  }
}

function decoded(type: string, bytes: Buffer, scale: number): unknown {
  if (type === 'DateTimeOffset') return timeWithOffset(bytes, scale)
  if (type.includes('Money')) return decimal(bytes.length === 4 ? BigInt(bytes.readInt32LE(0)) : money(bytes), 4)
  const size = littleEndian(bytes.subarray(1))
  return decimal(bytes[0] === 1 ? size : -size, scale)
}

function result(value: unknown, offset: number): Read {
  // The client reads these two fields.
  return { value, offset } as Read
}

/** A number of ten-thousandths, with its upper half first. */
function money(bytes: Buffer): bigint {
  return (BigInt(bytes.readInt32LE(0)) << 32n) | BigInt(bytes.readUInt32LE(4))
}

function littleEndian(bytes: Buffer): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n)
}

/** A number without its decimal point as text, such as `12.30`. */
function decimal(unscaled: bigint, scale: number): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`
  return unscaled < 0n ? `-${text}` : text
}

/** A `datetimeoffset`: the time of day in UTC, the day in three bytes, and the offset in minutes. */
function timeWithOffset(bytes: Buffer, scale: number): Timestamp {
  const end = bytes.length - 5
  const time = littleEndian(bytes.subarray(0, end)) * 10n ** BigInt(9 - scale)
  const days = littleEndian(bytes.subarray(end, end + 3)) + YEAR_ONE_DAYS
  const offsetSeconds = bytes.readInt16LE(end + 3) * 60
  return new Timestamp(days * DAY_NANOS + time, offsetSeconds === 0 ? { name: 'UTC' } : { name: '', offsetSeconds })
}
