import type { FileMetaData, SchemaElement } from 'hyparquet'
import { shortestFloat32 } from '../data/narrow.ts'
import { parseJson, withFloats } from '../json/parse.ts'
import { Float, NarrowFloat, NarrowInteger, Opaque, type Value } from '../value.ts'
import { utf8Text } from './bytes.ts'
import { shortestDecimal, signedInteger } from './decimal.ts'

/**
 * How mappings see the values of a Parquet column. Dates and times remain the stored numbers; decimals become numbers,
 * or texts if stored as bytes; legacy 96-bit timestamps remain three numbers.
 */
export interface ColumnType {
  readonly physical: SchemaElement['type']
  readonly unsigned: boolean
  /** Digits after the point of a decimal; null for other types. */
  readonly scale: number | null
  /** Whether its texts are JSON documents. */
  readonly isJson: boolean
}

/**
 * Text types and the types that structure nested columns; all others would make the library convert the plain value.
 */
const KEPT_TYPES = new Set(['UTF8', 'LIST', 'MAP', 'MAP_KEY_VALUE', 'ENUM'])
const KEPT_LOGICAL_TYPES = new Set(['STRING', 'LIST', 'MAP'])

/** The types of a schema's elements. Removes the annotations that would make the library convert values. */
export function columnTypes(metadata: FileMetaData): ReadonlyMap<SchemaElement, ColumnType> {
  const types = new Map<SchemaElement, ColumnType>()
  for (const element of metadata.schema) {
    const { converted_type: converted, logical_type: logical } = element
    const isDecimal = converted === 'DECIMAL' || logical?.type === 'DECIMAL'
    types.set(element, {
      physical: element.type,
      unsigned: converted?.startsWith('UINT_') === true || (logical?.type === 'INTEGER' && !logical.isSigned),
      scale: isDecimal ? (element.scale ?? (logical?.type === 'DECIMAL' ? logical.scale : 0)) : null,
      isJson: converted === 'JSON' || logical?.type === 'JSON',
    })
    if (converted !== undefined && KEPT_TYPES.has(converted)) continue
    if (logical !== undefined && KEPT_LOGICAL_TYPES.has(logical.type)) continue
    delete element.converted_type
    delete element.logical_type
  }
  return types
}

/** Converts the values of a column, including those in lists. */
export function convertColumn(stored: ArrayLike<unknown>, type: ColumnType): Value[] {
  return Array.from(stored, value => convert(value, type))
}

function convert(stored: unknown, type: ColumnType): Value {
  if (stored === null || stored === undefined) return null
  if (Array.isArray(stored)) return stored.map(element => convert(element, type))
  if (stored instanceof Uint8Array) return bytesValue(stored, type)
  const { physical, scale, unsigned } = type
  switch (physical) {
    case 'INT32': {
      const number = Number(stored)
      if (scale !== null) return new NarrowFloat(shortestFloat32(Math.fround(number) / Math.fround(10 ** scale)))
      return unsigned ? new NarrowInteger(BigInt(number >>> 0), 'uint32') : new NarrowInteger(BigInt(number), 'int32')
    }
    case 'INT64':
      // The column's physical type is an integer.
      return scale === null ? BigInt(stored as bigint) : new Float(Number(stored) / 10 ** scale)
    case 'INT96':
      return new Opaque(threeWords(stored as bigint)) // the column's physical type is an integer
    case 'FLOAT':
      return new NarrowFloat(shortestFloat32(stored as number)) // the column's physical type is a float
    case 'DOUBLE':
      return new Float(stored as number) // the column's physical type is a double
    default:
      return typeof stored === 'boolean' || typeof stored === 'string' ? stored : null
  }
}

function bytesValue(bytes: Uint8Array, { physical, scale, isJson }: ColumnType): Value {
  if (isJson) return withFloats(parseJson(utf8Text(bytes)))
  if (scale !== null) return new Opaque(shortestDecimal(signedInteger(bytes), scale))
  return physical === 'FIXED_LEN_BYTE_ARRAY' ? bytes : utf8Text(bytes)
}

const NANOS_PER_DAY = 86_400_000_000_000n
const JULIAN_DAY_OF_1970 = 2_440_588n

/** Nanoseconds since 1970 in their stored form: two words with the nanoseconds of the day, and the Julian day. */
function threeWords(nanos: bigint): Value {
  const ofDay = ((nanos % NANOS_PER_DAY) + NANOS_PER_DAY) % NANOS_PER_DAY
  const day = (nanos - ofDay) / NANOS_PER_DAY + JULIAN_DAY_OF_1970
  return [ofDay & 0xffffffffn, ofDay >> 32n, BigInt.asUintN(32, day)]
}
