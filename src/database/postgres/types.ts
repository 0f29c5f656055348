import pg from 'pg'
import { decodeText } from './text.ts'

const { builtins } = pg.types

/** How values of the server become ours: integers within ±2^53, bytes without Node's own class, all else as the driver does it. */
export const typeParsers: pg.CustomTypesConfig = {
  getTypeParser(oid, format) {
    if (format === 'binary') return pg.types.getTypeParser(oid, 'binary')
    // numeric is what sums of int8 are.
    if (oid === builtins.INT8 || oid === builtins.NUMERIC) return Number
    if (oid === builtins.TEXT) return decodeText
    if (oid === builtins.BYTEA) return (text: string) => new Uint8Array(Buffer.from(text.slice(2), 'hex'))
    return pg.types.getTypeParser(oid, 'text')
  },
}
