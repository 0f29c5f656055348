import type { Database } from './database.ts'
import type { DialectName } from './dialect.ts'
import { DatabaseError } from './errors.ts'
import { createTable, integer, type Table, text } from './schema.ts'

/** One step of a schema. A released step is never changed: changes are added as later steps. */
export interface Migration {
  /** Description for people. */
  readonly name: string
  /** The statements, in order; they run in one transaction with the record that they ran. */
  readonly statements: (dialect: DialectName) => readonly string[]
}

const applied: Table = {
  columns: { component: text, number: integer, name: text },
  primaryKey: ['component', 'number'],
}

/** How often a migration waits for another one, each time for as long as the database waits for a lock (10 s). */
const MAX_WAITS = 30

/**
 * Migrates the tables of a component to the last of its migrations, which are numbered by position, from 1. Safe when
 * several processes start concurrently: they take turns. Rejects with `newer_schema`, having changed nothing, when the
 * database has migrations that this program does not know, and with `busy` when another migration takes minutes.
 */
export async function migrate(database: Database, component: string, migrations: readonly Migration[]): Promise<void> {
  for (let waits = 1; ; waits++) {
    try {
      return await migrateNow(database, component, migrations)
    } catch (error) {
      if (!(error instanceof DatabaseError && error.code === 'busy') || waits === MAX_WAITS) throw error
    }
  }
}

async function migrateNow(database: Database, component: string, migrations: readonly Migration[]): Promise<void> {
  await database.transaction({ kind: 'write' }, async sql => {
    // Held until the end of the transaction. SQLite has a single writer anyway.
    if (database.dialect === 'postgres') await sql.all(`SELECT pg_advisory_xact_lock(7022365301)`)
    for (const statement of createTable('migrations', applied, database.dialect)) await sql.run(statement)
    const [row] = await sql.all<{ last: number }>(
      'SELECT COALESCE(MAX(number), 0) AS last FROM migrations WHERE component = ?',
      component,
    )
    const last = row!.last
    if (last > migrations.length) {
      const message = `the tables of the ${component} have schema version ${last}, but this program supports ${migrations.length}`
      throw new DatabaseError('newer_schema', `${message}: use the newer program that migrated them`)
    }
    for (const [index, { name, statements }] of migrations.entries()) {
      if (index < last) continue
      for (const statement of statements(database.dialect)) await sql.run(statement)
      await sql.run('INSERT INTO migrations (component, number, name) VALUES (?, ?, ?)', component, index + 1, name)
    }
  })
}
