import { Buffer } from 'node:buffer'
import type { Value } from '../../bloblang/index.ts'
import type { Row } from './connection.ts'

/** Columns and rows of a result. Binary values are bytes. */
export interface Result {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Value[])[]
}

/** The rows of a result as objects; bytes become text, as in the original. */
export function rowsOf({ columns, rows }: Result): Row[] {
  return rows.map(row => Object.fromEntries(columns.map((name, at) => [name, textOfBytes(row[at] ?? null)])))
}

function textOfBytes(value: Value): Value {
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString() : value
}

/** A value as bytes; undefined for NULL or if there is none. */
export function bytesOf(value: Value | undefined): Uint8Array | undefined {
  if (value === null || value === undefined) return undefined
  // Data written by another program may be text.
  return value instanceof Uint8Array ? value : Buffer.from(String(value))
}
