import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { MetadataError, type MetadataErrorCode } from '../errors.ts'
import { type Column, SCHEMA_VERSION, type Table, TABLES } from '../schema.ts'

export type Row = Readonly<Record<string, unknown>>

/** An open database with the tables of the schema, and its statements, prepared once each. */
export class Database {
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  /** `path` is a file or `:memory:`. With `durable` a committed transaction survives a loss of power. */
  constructor(path: string, durable: boolean) {
    try {
      this.#database = new DatabaseSync(path, { timeout: 10_000 })
      this.#database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${durable ? 'FULL' : 'OFF'};`)
      this.#database.exec('PRAGMA cache_size = -65536; PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 4000;')
      this.transaction(() => this.#createTables(), 'write')
    } catch (cause) {
      throw metadataError(cause, `cannot open the metadata in ${path}`)
    }
  }

  /** Runs all of `body` or, when it throws, nothing of it. A read sees one moment; a write waits for other processes'. */
  transaction<T>(body: () => T, kind: 'read' | 'write'): T {
    this.run(kind === 'read' ? 'BEGIN' : 'BEGIN IMMEDIATE')
    try {
      const result = body()
      this.run('COMMIT')
      return result
    } catch (error) {
      if (this.#database.isTransaction) this.run('ROLLBACK')
      throw error
    }
  }

  /** Undoes only `body` when it throws, and goes on with the transaction around it. */
  savepoint<T>(body: () => T): T {
    this.run('SAVEPOINT one')
    try {
      return body()
    } catch (error) {
      this.run('ROLLBACK TO one')
      throw error
    } finally {
      this.run('RELEASE one')
    }
  }

  /** Runs a statement; answers the number of rows that changed and the last serial number. */
  run(sql: string, ...values: SQLInputValue[]): { changes: number; id: number } {
    const { changes, lastInsertRowid } = this.#prepare(sql).run(...values)
    return { changes: Number(changes), id: Number(lastInsertRowid) }
  }

  /** The first row, or undefined. */
  get<T extends Row>(sql: string, ...values: SQLInputValue[]): T | undefined {
    // The columns of a statement are what its text says; nothing but reading it proves the type.
    return this.#prepare(sql).get(...values) as T | undefined
  }

  all<T extends Row>(sql: string, ...values: SQLInputValue[]): T[] {
    return this.#prepare(sql).all(...values) as T[]
  }

  close(): void {
    this.#statements.clear()
    this.#database.close()
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (!statement) {
      statement = this.#database.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  #createTables(): void {
    for (const table of TABLES) for (const sql of statementsOf(table)) this.#database.exec(sql)
    this.run(`INSERT INTO facts VALUES ('schema_version', ?) ON CONFLICT DO NOTHING`, String(SCHEMA_VERSION))
    const version = this.get<{ value: string }>(`SELECT value FROM facts WHERE name = 'schema_version'`)?.value
    if (version !== String(SCHEMA_VERSION)) {
      throw new MetadataError('failed', `the metadata is of version ${version}, this program knows ${SCHEMA_VERSION}`)
    }
  }
}

/** What SQLite threw, as a MetadataError. */
export function metadataError(cause: unknown, message: string): MetadataError {
  if (cause instanceof MetadataError) return cause
  const text = cause instanceof Error ? cause.message : String(cause)
  return new MetadataError(codeOf(cause), `${message}: ${text}`, { cause })
}

/** SQLite's result codes; the bits above the lowest eight only tell more about one of them. */
function codeOf(cause: unknown): MetadataErrorCode {
  const code = cause instanceof Error && 'errcode' in cause ? Number(cause.errcode) & 0xff : undefined
  switch (code) {
    case 5: // SQLITE_BUSY
    case 6: // SQLITE_LOCKED
      return 'busy'
    case 10: // SQLITE_IOERR: what was written before the disk failed may be found, complete, after a restart.
      return 'unknown_outcome'
    default:
      return 'failed'
  }
}

function statementsOf(table: Table): string[] {
  const isSerial = Object.values(table.columns).some(({ type }) => type === 'serial')
  const columns = Object.entries(table.columns).map(([name, column]) => `${name} ${typeOf(column)}`)
  const primaryKey = isSerial ? [] : [`PRIMARY KEY (${table.primaryKey.join(', ')})`]
  const unique = (table.unique ?? []).map(names => `UNIQUE (${names.join(', ')})`)
  const body = [...columns, ...primaryKey, ...unique].join(', ')
  const create = `CREATE TABLE IF NOT EXISTS ${table.name} (${body}) ${isSerial ? '' : 'WITHOUT ROWID'}`
  const indexes = (table.indexes ?? []).map(
    names => `CREATE INDEX IF NOT EXISTS ${table.name}_${names.join('_')} ON ${table.name} (${names.join(', ')})`,
  )
  return [create, ...indexes]
}

function typeOf({ type, nullable }: Column): string {
  const constraint = nullable ? '' : ' NOT NULL'
  switch (type) {
    case 'serial':
      return 'INTEGER PRIMARY KEY AUTOINCREMENT'
    case 'integer':
      return `INTEGER${constraint}`
    case 'text':
      return `TEXT${constraint}`
    case 'bytes':
      return `BLOB${constraint}`
  }
}
