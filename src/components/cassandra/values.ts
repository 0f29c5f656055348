import { Buffer } from 'node:buffer'
import type { types } from 'cassandra-driver'
import {
  DELETED,
  getOwn,
  isArray,
  isObject,
  NOTHING,
  parseTime,
  Timestamp,
  toText,
  typeOf,
  type Value,
} from '../../bloblang/index.ts'

/** The type of a column or argument, as described by the server. */
export interface CqlType {
  readonly code: number
  /** For collections the element types, for a user-defined type its fields. */
  readonly info?: unknown
}

interface UserType {
  readonly fields: readonly { readonly name: string; readonly type: CqlType }[]
}

type Library = typeof types

const DURATION = 'org.apache.cassandra.db.marshal.DurationType'
const VECTOR = 'org.apache.cassandra.db.marshal.VectorType('
const NANOS_PER_MILLISECOND = 1_000_000n

/**
 * Converts a Bloblang value to the driver's representation of the type that the server expects. Integers are passed as
 * text, which keeps all digits. Throws if the value does not fit.
 */
export function toCql(value: Value, type: CqlType, library: Library): unknown {
  if (value === null || value === DELETED || value === NOTHING) return null
  const { dataTypes } = library
  const inner = (each: Value, of: unknown) => toCql(each, of as CqlType, library) // as the server describes collections
  switch (type.code) {
    case dataTypes.ascii:
    case dataTypes.text:
    case dataTypes.varchar:
      return toText(value)
    case dataTypes.timestamp:
      return dateOf(value)
    case dataTypes.double:
    case dataTypes.float:
      if (typeOf(value) === 'number') return Number(toText(value))
      throw misfit(value, 'a number')
    case dataTypes.bigint:
    case dataTypes.counter:
    case dataTypes.int:
    case dataTypes.smallint:
    case dataTypes.tinyint:
    case dataTypes.varint:
      return wholeOf(value)
    case dataTypes.decimal:
      if (typeOf(value) !== 'number' && typeof value !== 'string') throw misfit(value, 'a number')
      return toText(value)
    case dataTypes.boolean:
      if (typeof value !== 'boolean') throw misfit(value, 'a boolean')
      return value
    case dataTypes.blob:
      if (value instanceof Uint8Array) return Buffer.from(value)
      if (typeof value !== 'string') throw misfit(value, 'bytes or a string')
      return Buffer.from(value)
    case dataTypes.date:
      return value instanceof Timestamp ? library.LocalDate.fromDate(dateOf(value)) : textIn(value)
    case dataTypes.duration:
      return library.Duration.fromString(textIn(value))
    case dataTypes.uuid:
    case dataTypes.timeuuid:
    case dataTypes.inet:
    case dataTypes.time:
      return textIn(value)
    case dataTypes.list:
    case dataTypes.set:
      return listIn(value).map(each => inner(each, type.info))
    case dataTypes.map: {
      const [, of] = type.info as readonly CqlType[] // a map has two types
      const members = Object.entries(objectIn(value))
      return Object.fromEntries(members.map(([key, each]) => [key, inner(each, of)]))
    }
    case dataTypes.udt: {
      const { fields } = type.info as UserType // the server describes its fields
      const members = objectIn(value)
      return Object.fromEntries(fields.map(({ name, type: of }) => [name, inner(getOwn(members, name) ?? null, of)]))
    }
    case dataTypes.tuple: {
      const of = type.info as readonly CqlType[] // one for each element
      return new library.Tuple(
        ...listIn(value).map((each, index) => inner(each, of[index] ?? { code: dataTypes.text })),
      )
    }
    case dataTypes.custom:
      // Only newer versions of the protocol have a separate code for durations.
      if (type.info === DURATION) return library.Duration.fromString(textIn(value))
      if (!String(type.info).startsWith(VECTOR)) throw new Error(`the type ${String(type.info)} is not supported`)
      // The element type is given as text; nearly all vectors are of floats.
      return new library.Vector(
        listIn(value).map(each => (typeOf(each) === 'number' ? Number(toText(each)) : toText(each))),
      )
    default:
      throw new Error(`the type ${type.code} of Cassandra is not supported`)
  }
}

/** Converts a time: a timestamp, an RFC 3339 string, or seconds since 1970. */
function dateOf(value: Value): Date {
  if (value instanceof Timestamp) return new Date(Number(value.unixNanos / NANOS_PER_MILLISECOND))
  if (typeof value === 'string') return dateOf(parseTime('2006-01-02T15:04:05.999999999Z07:00', value))
  if (typeOf(value) !== 'number') throw misfit(value, 'a timestamp')
  return new Date(Math.trunc(Number(toText(value)) * 1000))
}

/** An integer as text; strings of digits are accepted as well. */
function wholeOf(value: Value): string {
  if (typeOf(value) !== 'number' && typeof value !== 'string') throw misfit(value, 'a whole number')
  const text = toText(value)
  if (/^-?\d+$/.test(text)) return text
  const number = typeof value === 'string' ? Number.NaN : Number(text)
  if (!Number.isInteger(number)) throw misfit(value, 'a whole number')
  return BigInt(number).toString()
}

function textIn(value: Value): string {
  if (typeof value !== 'string') throw misfit(value, 'a string')
  return value
}

function listIn(value: Value): readonly Value[] {
  if (!isArray(value)) throw misfit(value, 'an array')
  return value
}

function objectIn(value: Value) {
  if (!isObject(value)) throw misfit(value, 'an object')
  return value
}

function misfit(value: Value, wanted: string): Error {
  const text = toText(value)
  return new Error(`expected ${wanted}, got ${typeOf(value)}: ${text.length > 60 ? `${text.slice(0, 60)}…` : text}`)
}
