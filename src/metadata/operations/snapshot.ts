// The metadata as rows, for manifests in the bucket (docs/adr/0026-rebuild.md).
import type { Sql, Table } from '../../database/index.ts'
import { snapshotTables } from '../schema.ts'

/** The tables in a manifest. */
export type SnapshotTable = keyof typeof snapshotTables
export type SnapshotValue = string | number | null
/** A row's values in the order of the columns. */
export type SnapshotRow = readonly SnapshotValue[]

/** In the order in which they are written and read. */
export const snapshotTableNames = Object.keys(snapshotTables) as SnapshotTable[] // the keys of the literal

/** The columns of a table in the order of a row's values. */
export function snapshotColumns(table: SnapshotTable): string[] {
  return Object.keys(snapshotTables[table].columns)
}

export const snapshotReads = {
  /** Rows in primary key order that follow the row with this primary key; the first ones for null. */
  snapshotRows: async (
    sql: Sql,
    table: SnapshotTable,
    after: SnapshotRow | null,
    limit: number,
  ): Promise<SnapshotRow[]> => {
    const columns = snapshotColumns(table)
    const { primaryKey } = declared(table)
    const condition =
      after === null ? '' : `WHERE (${primaryKey.join(', ')}) > (${primaryKey.map(() => '?').join(', ')})`
    const rows = await sql.all<Record<string, SnapshotValue>>(
      `SELECT ${columns.join(', ')} FROM ${table} ${condition} ORDER BY ${primaryKey.join(', ')} LIMIT ?`,
      ...(after ?? []),
      limit,
    )
    return rows.map(row => columns.map(column => row[column]!))
  },
}

/** The primary key values of a row. */
export function snapshotKey(table: SnapshotTable, row: SnapshotRow): SnapshotRow {
  const columns = snapshotColumns(table)
  return declared(table).primaryKey.map(name => row[columns.indexOf(name)]!)
}

/** The declaration of a table in a snapshot. */
export function declared(table: SnapshotTable): Table {
  return snapshotTables[table]
}
