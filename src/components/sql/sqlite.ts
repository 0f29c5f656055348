import { messageOf } from '../../base/index.ts'
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { Float, JsonNumber, Timestamp, Uint64, type Value } from '../../bloblang/index.ts'
import { ConfigError, type Databases, type Resources } from '../../engine/index.ts'
import {
  type ConnectionConfig,
  firstStatements,
  type InsertStatement,
  type Row,
  type SqlConnection,
  StatementError,
} from './connection.ts'
import { insertQuery } from './queries.ts'
import { parseSqliteDsn } from './sqlite-dsn.ts'

/** Rows read together. */
const CHUNK_ROWS = 512

interface Shared {
  readonly database: DatabaseSync
  users: number
}

/**
 * Opens the configured database and runs its initial statements. Components of a stream that name the same database
 * share it, so that none waits for another's lock. Throws `StatementError` if the file cannot be opened, `ConfigError`
 * for an invalid pragma.
 */
export function openSqlite(config: ConnectionConfig, resources: Resources): SqliteConnection {
  const { log, shared, host } = resources
  const key = `sqlite ${config.dsn}`
  let entry = shared.get(key) as Shared | undefined // only this file uses the key
  if (entry === undefined) {
    entry = { database: openDatabase(host.databases, config.dsn), users: 0 }
    shared.set(key, entry)
  }
  const { database } = entry
  const opened = entry
  opened.users++
  const connection = new SqliteConnection(database, () => {
    opened.users--
    if (opened.users > 0) return
    shared.delete(key)
    database.close()
  })
  for (const [what, text] of firstStatements(config, resources)) {
    try {
      connection.script(text)
    } catch (error) {
      log.warn(`Failed to execute ${what}: ${messageOf(error)}`)
    }
  }
  return connection
}

/** A SQLite database. Statements are short and run synchronously; errors are worded like the original's. */
export class SqliteConnection implements SqlConnection {
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, ReturnType<DatabaseSync['prepare']>>()
  readonly #release: () => void

  constructor(database: DatabaseSync, release: () => void) {
    this.#database = database
    this.#release = release
  }

  open(): void {
    // It was opened with the file.
  }

  verify(): void {
    this.rows('SELECT 1', [])
  }

  rows(query: string, args: readonly Value[]): readonly Row[] {
    // A row is an object by column.
    return translated(() => (this.#prepare(query).all(...args.map(argument)) as Record<string, unknown>[]).map(rowOf))
  }

  /** Rows whose blobs stay bytes. */
  blobs(query: string, args: readonly Value[]): readonly Row[] {
    // SQLite returns numbers, texts, bytes and null, which are all values.
    return translated(() => this.#prepare(query).all(...args.map(argument)) as Record<string, Value>[])
  }

  bytes(query: string, args: readonly Value[]): Uint8Array | undefined {
    const [row] = this.blobs(query, args)
    const [found = null] = row === undefined ? [] : Object.values(row)
    if (found === null) return undefined
    // Data written by another program may be text.
    return found instanceof Uint8Array ? found : Buffer.from(String(found))
  }

  *chunks(query: string, args: readonly Value[]): Generator<readonly Row[]> {
    const iterator = translated(() => this.#prepare(query).iterate(...args.map(argument)))
    let rows: Row[] = []
    for (;;) {
      const step = translated(() => iterator.next())
      if (step.done === true) break
      rows.push(rowOf(step.value as Record<string, unknown>)) // a row is an object by column
      if (rows.length < CHUNK_ROWS) continue
      yield rows
      rows = []
    }
    if (rows.length > 0) yield rows
  }

  insert(statement: InsertStatement, rows: readonly (readonly Value[])[]): void {
    const insertRow = (row: readonly Value[]) => this.run(insertQuery(statement, 'question', [row.length]), row)
    if (rows.length === 1) return insertRow(rows[0]!)
    this.together(() => rows.forEach(insertRow))
  }

  run(query: string, args: readonly Value[]): void {
    translated(() => this.#prepare(query).run(...args.map(argument)))
  }

  /** Runs several statements without arguments. */
  script(text: string): void {
    translated(() => this.#database.exec(text))
  }

  /** Runs `work` in a transaction. */
  together(work: () => void): void {
    this.script('BEGIN IMMEDIATE')
    try {
      work()
      this.script('COMMIT')
    } catch (error) {
      if (this.#database.isTransaction) this.script('ROLLBACK')
      throw error
    }
  }

  close(): void {
    this.#statements.clear()
    this.#release()
  }

  #prepare(query: string): ReturnType<DatabaseSync['prepare']> {
    let statement = this.#statements.get(query)
    if (statement === undefined) {
      statement = this.#database.prepare(query)
      statement.setReadBigInts(true)
      // Queries built from messages are numerous, so the cache is bounded.
      if (this.#statements.size >= 64) this.#statements.clear()
      this.#statements.set(query, statement)
    }
    return statement
  }
}

function openDatabase(databases: Databases, dsn: string): DatabaseSync {
  const { path, parameters } = parseSqliteDsn(dsn)
  const database = translated(() =>
    databases.open(path, { readOnly: parameters.get('mode') === 'ro', timeoutMs: 5000 }),
  )
  try {
    for (const pragma of parameters.getAll('_pragma')) database.exec(`PRAGMA ${pragma}`)
  } catch (error) {
    database.close()
    throw new ConfigError(`failed to open database: ${messageOf(error)}`, { cause: error })
  }
  return database
}

function argument(value: Value): SQLInputValue {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint')
    return value
  if (value instanceof Uint8Array) return value
  if (typeof value === 'boolean') return value ? 1 : 0
  if (value instanceof Float || value instanceof Uint64) return value.value
  if (value instanceof JsonNumber) return /^-?\d+$/.test(value.text) ? BigInt(value.text) : Number(value.text)
  if (value instanceof Timestamp) return new Date(Number(value.unixNanos / 1_000_000n)).toISOString()
  throw new Error(
    `unsupported type ${Array.isArray(value) ? '[]interface {}, a slice of interface' : 'map[string]interface {}, a map'}`,
  )
}

function rowOf(row: Record<string, unknown>): Row {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      if (typeof value === 'number') return [name, new Float(value)]
      if (value instanceof Uint8Array) return [name, Buffer.from(value).toString('utf8')]
      return [name, value as Value] // SQLite returns numbers, texts, bytes and null, which are all values
    }),
  )
}

/** Runs something and rewords its errors like the original's. */
function translated<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    // `node:sqlite` throws errors with these two fields; others lack them.
    const { errcode, errstr, message } = error as { errcode?: number; errstr?: string; message: string }
    if (errcode === undefined || errstr === undefined) throw error
    const text = errstr === message ? `${errstr} (${errcode})` : `${errstr}: ${message} (${errcode})`
    throw new StatementError(text, String(errcode), { cause: error })
  }
}
