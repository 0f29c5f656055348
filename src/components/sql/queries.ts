import { field } from '../../engine/index.ts'

/** What stands around the query that is made of a table and its columns. */
export const insertFields = {
  table: field.string('The table.').examples('foo'),
  columns: field.string('The columns that are written.').list().examples(['foo', 'bar', 'baz']),
  prefix: field.string('What stands before `INSERT`.').optional().advanced(),
  suffix: field
    .string('What stands behind the values.')
    .optional()
    .advanced()
    .examples('ON CONFLICT (name) DO NOTHING'),
} as const

export const selectFields = {
  table: field.string('The table.').examples('foo'),
  columns: field.string('The columns that are read; `*` for all.').list().examples(['*'], ['foo', 'bar', 'baz']),
  where: field.string('A condition, with `?` for arguments.').optional().examples('meow = ? and woof = ?'),
  prefix: field.string('What stands before the columns.').optional().advanced(),
  suffix: field.string('What stands at the end.').optional().advanced().examples('ORDER BY id'),
} as const

interface Insert {
  readonly table: string
  readonly columns: readonly string[]
  readonly prefix?: string | undefined
  readonly suffix?: string | undefined
}

interface Select extends Insert {
  readonly where?: string | undefined
}

export function insertQuery({ table, columns, prefix, suffix }: Insert): string {
  const marks = columns.map(() => '?').join(',')
  return joined([prefix, `INSERT INTO ${table} (${columns.join(',')}) VALUES (${marks})`, suffix])
}

export function selectQuery({ table, columns, where, prefix, suffix }: Select): string {
  const condition = where === undefined || where === '' ? undefined : `WHERE ${where}`
  return joined([prefix, `SELECT ${columns.join(', ')} FROM ${table}`, condition, suffix])
}

function joined(parts: readonly (string | undefined)[]): string {
  return parts.filter(part => part !== undefined && part !== '').join(' ')
}
