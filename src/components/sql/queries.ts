import { field } from '../../engine/index.ts'
import type { InsertStatement } from './connection.ts'

/** The fields around a query that is built from a table and its columns. */
export const insertFields = {
  table: field.string('The table.').examples('foo'),
  columns: field.string('The columns to write.').list().examples(['foo', 'bar', 'baz']),
  prefix: field.string('Text before `INSERT`.').optional().advanced(),
  suffix: field.string('Text after the values.').optional().advanced().examples('ON CONFLICT (name) DO NOTHING'),
} as const

export const selectFields = {
  table: field.string('The table.').examples('foo'),
  columns: field.string('The columns to read; `*` for all.').list().examples(['*'], ['foo', 'bar', 'baz']),
  where: field
    .string('A condition, with `?` as the placeholder of each argument whatever the driver.')
    .optional()
    .examples('meow = ? and woof = ?'),
  prefix: field.string('Text before the columns.').optional().advanced(),
  suffix: field.string('Text at the end of the query.').optional().advanced().examples('ORDER BY id'),
} as const

interface Select {
  readonly table: string
  readonly columns: readonly string[]
  readonly prefix?: string | undefined
  readonly suffix?: string | undefined
  readonly where?: string | undefined
}

/** A database's syntax for argument placeholders: `?`, or `$1`, `$2` and so on. */
export type Placeholders = 'question' | 'dollar'

/** The placeholders of a driver in `sql_insert`, `sql_select` and the `sql` cache. */
export function placeholdersOf(driver: string): Placeholders {
  return driver === 'postgres' || driver === 'clickhouse' ? 'dollar' : 'question'
}

/** An insert of rows with `widths` values each; a mismatch with the columns is left for the database to report. */
export function insertQuery(
  { table, columns, prefix, suffix }: InsertStatement,
  placeholders: Placeholders,
  widths: readonly number[] = [columns.length],
): string {
  const rows = widths.map(width => `(${Array<string>(width).fill('?').join(',')})`)
  const query = joined([prefix, `INSERT INTO ${table} (${columns.join(',')}) VALUES ${rows.join(',')}`, suffix])
  return withPlaceholders(query, placeholders)
}

export function selectQuery({ table, columns, where, prefix, suffix }: Select, placeholders: Placeholders): string {
  const condition = where === undefined || where === '' ? undefined : `WHERE ${where}`
  return withPlaceholders(
    joined([prefix, `SELECT ${columns.join(', ')} FROM ${table}`, condition, suffix]),
    placeholders,
  )
}

/** Numbers the question marks of a query if the database requires it; `??` stands for a literal question mark. */
export function withPlaceholders(query: string, placeholders: Placeholders): string {
  if (placeholders === 'question') return query
  let place = 0
  return query.replaceAll(/\?\??/g, mark => (mark === '??' ? '?' : `$${++place}`))
}

function joined(parts: readonly (string | undefined)[]): string {
  return parts.filter(part => part !== undefined && part !== '').join(' ')
}
