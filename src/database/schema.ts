import { type ColumnType, type Dialect, dialects, type DialectName } from './dialect.ts'

/** A column. `Value` is the type of its values in a row. */
export interface Column<Value = unknown> {
  readonly type: ColumnType
  readonly isNullable?: true
  /** The table whose primary key it refers to; deleting that row deletes this one. */
  readonly references?: string
  /** Exists only at type level. */
  readonly value?: Value
}

/** A table, declared once for all databases. */
export interface Table {
  readonly columns: Readonly<Record<string, Column>>
  readonly primaryKey: readonly string[]
  readonly unique?: readonly (readonly string[])[]
  readonly indexes?: readonly (readonly string[])[]
  /** Rows are updated frequently: the database leaves free space beside them (PostgreSQL's fillfactor). */
  readonly isHot?: true
}

export const serial: Column<number> = { type: 'serial' }
export const integer: Column<number> = { type: 'integer' }
export const text: Column<string> = { type: 'text' }
export const bytes: Column<Uint8Array> = { type: 'bytes' }
/** Milliseconds since 1970. */
export const time: Column<number> = integer
/** JSON as text. */
export const json: Column<string> = text
export const boolean: Column<0 | 1> = { type: 'integer' }

export function nullable<Value>(column: Column<Value>): Column<Value | null> {
  return { ...column, isNullable: true }
}

export function references<Value>(table: string, column: Column<Value>): Column<Value> {
  return { ...column, references: table }
}

/** A row as the database returns it. */
export type Row<Of extends Table> = {
  readonly [Name in keyof Of['columns']]: Of['columns'][Name] extends Column<infer Value> ? Value : never
}

/** Returns the statements that create a table and its indexes if they are missing. */
export function createTable(name: string, table: Table, dialectName: DialectName): string[] {
  const dialect = dialects[dialectName]
  const hasSerial = Object.values(table.columns).some(({ type }) => type === 'serial')
  const body = [
    ...Object.entries(table.columns).map(([column, declared]) => columnClause(column, declared, dialect)),
    ...(hasSerial ? [] : [`PRIMARY KEY (${table.primaryKey.join(', ')})`]),
    ...(table.unique ?? []).map(columns => `UNIQUE (${columns.join(', ')})`),
  ]
  const options = dialect.tableOptions({ hasSerial, isHot: table.isHot === true })
  return [
    `CREATE TABLE IF NOT EXISTS ${name} (${body.join(', ')}) ${options}`,
    ...(table.indexes ?? []).map(
      columns => `CREATE INDEX IF NOT EXISTS ${name}_${columns.join('_')} ON ${name} (${columns.join(', ')})`,
    ),
  ]
}

function columnClause(name: string, { type, isNullable, references }: Column, { types }: Dialect): string {
  const constraint = isNullable || type === 'serial' ? '' : ' NOT NULL'
  return `${name} ${types[type]}${constraint}${references ? ` REFERENCES ${references} ON DELETE CASCADE` : ''}`
}
