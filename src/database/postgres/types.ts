import pg from 'pg'
import { decodeText } from './text.ts'

const { builtins } = pg.types

/**
 * Parses values as we represent them: integers within ±2^53, bytes as plain Uint8Array, all else as the driver does.
 */
export const typeParsers: pg.CustomTypesConfig = {
  getTypeParser(oid, format) {
    if (format === 'binary') return pg.types.getTypeParser(oid, 'binary')
    // The sum of an int8 column is a numeric.
    if (oid === builtins.INT8 || oid === builtins.NUMERIC) return Number
    if (oid === builtins.TEXT) return decodeText
    if (oid === builtins.BYTEA) return (text: string) => new Uint8Array(Buffer.from(text.slice(2), 'hex'))
    return pg.types.getTypeParser(oid, 'text')
  },
}
