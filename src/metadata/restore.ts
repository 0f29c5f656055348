// Loads the rows of a snapshot into an empty database (docs/adr/0026-rebuild.md).
import { type Database, migrate, type RowSet, type Sql } from '../database/index.ts'
import { metadataError } from './calls.ts'
import { MetadataError } from './errors.ts'
import { declared, type SnapshotRow, type SnapshotTable } from './operations/snapshot.ts'
import { migrations } from './schema.ts'

/** Number of rows that one statement inserts. */
const ROWS_TOGETHER = 2000

/**
 * Inserts rows into a database without metadata, all or none. Rejects with a MetadataError,
 * `failed` if there are topics or objects already.
 */
export async function restoreSnapshot(
  database: Database,
  rows: ReadonlyMap<SnapshotTable, readonly SnapshotRow[]>,
): Promise<void> {
  try {
    await migrate(database, 'metadata', migrations)
    await database.transaction({ kind: 'write' }, async sql => {
      for (const table of ['topics', 'deleted_topics', 'objects'] as const) {
        const found = await sql.all(`SELECT 1 AS one FROM ${table} LIMIT 1`)
        if (found.length > 0) throw new MetadataError('failed', `the metadata is not empty: it has ${table}`)
      }
      for (const [table, some] of rows) await insertRows(sql, table, some)
      if (database.dialect === 'postgres') await advanceSerials(sql)
    })
  } catch (error) {
    throw metadataError(error)
  }
}

async function insertRows(sql: Sql, table: SnapshotTable, rows: readonly SnapshotRow[]): Promise<void> {
  const { columns, primaryKey } = declared(table)
  const names = Object.keys(columns)
  const types = Object.entries(columns).map(([name, { type }]) => `${name} ${type === 'text' ? 'text' : 'integer'}`)
  const updates = names.filter(name => !primaryKey.includes(name)).map(name => `${name} = excluded.${name}`)
  for (let start = 0; start < rows.length; start += ROWS_TOGETHER) {
    const some: RowSet = rows.slice(start, start + ROWS_TOGETHER)
    // The migrations have already inserted some facts, so existing rows are replaced.
    await sql.run(
      `INSERT INTO ${table} (${names.join(', ')}) SELECT ${names.join(', ')} FROM ROWS(${types.join(', ')}) AS r WHERE true
       ON CONFLICT (${primaryKey.join(', ')}) DO UPDATE SET ${updates.join(', ')}`,
      some,
    )
  }
}

/** Advances PostgreSQL's sequences past explicitly inserted ids; SQLite does so by itself. */
async function advanceSerials(sql: Sql): Promise<void> {
  for (const table of ['partitions', 'objects', 'epochs', 'acls'] as const) {
    await sql.all(
      `SELECT setval(pg_get_serial_sequence(CAST(? AS text), 'id'), (SELECT COALESCE(MAX(id), 0) + 1 FROM ${table}))`,
      table,
    )
  }
}
