import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { assert, messageOf } from '../../base/index.ts'
import type { RowSet, SqlValue } from '../database.ts'
import { parseTemplate, type RowsClause, type Template } from '../dialect.ts'
import { DatabaseError, type DatabaseErrorCode } from '../errors.ts'

/** How long a writer waits for the writer of another process, in milliseconds. */
const BUSY_TIMEOUT_MS = 10_000

/** For how many different numbers of rows a statement with a set is kept prepared. */
const MAX_PREPARED = 64

/**
 * Up to this many values, a set is bound value by value, which is two to four
 * times as fast as JSON; SQLite allows 32,766.
 */
const MAX_BOUND_VALUES = 4096

export type Values = readonly (SqlValue | RowSet)[]

/** An open SQLite file in this thread. All calls are synchronous and throw DatabaseErrors. */
export class SqliteEngine {
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, Statement>()
  #isDurable: boolean | undefined
  #inTransaction = false

  /** `path` is a file, created when missing, or `:memory:`. */
  constructor(path: string) {
    try {
      this.#database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS })
      this.#database.exec('PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;')
      this.#database.exec('PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 4000;')
    } catch (cause) {
      throw sqliteError(cause, `cannot open the database ${path}`)
    }
  }

  begin(kind: 'read' | 'write', durable: boolean): void {
    // In WAL mode, NORMAL survives a process crash, and FULL a power failure too.
    if (kind === 'write' && durable !== this.#isDurable) {
      this.#database.exec(`PRAGMA synchronous = ${durable ? 'FULL' : 'NORMAL'}`)
      this.#isDurable = durable
    }
    this.run(kind === 'write' ? 'BEGIN IMMEDIATE' : 'BEGIN', [])
    this.#inTransaction = true
  }

  commit(): void {
    this.run('COMMIT', [])
    this.#inTransaction = false
  }

  /** Ends the transaction, unless SQLite has already ended it after an error. */
  rollback(): void {
    this.#inTransaction = false
    if (this.#database.isTransaction) this.run('ROLLBACK', [])
  }

  /** Moves the contents of the write-ahead log into the database and returns the log's disk space. */
  checkpoint(): void {
    this.all('PRAGMA wal_checkpoint(TRUNCATE)', [])
  }

  all(statement: string, values: Values): Record<string, unknown>[] {
    return this.#use(statement, values, (prepared, bound) => prepared.all(...bound))
  }

  run(statement: string, values: Values): number {
    return this.#use(statement, values, (prepared, bound) => Number(prepared.run(...bound).changes))
  }

  close(): void {
    this.#statements.clear()
    this.#database.close()
  }

  #use<T>(text: string, values: Values, body: (prepared: StatementSync, bound: SQLInputValue[]) => T): T {
    // After some errors, such as a full disk, SQLite rolls back by itself: later
    // statements would be committed on their own.
    if (this.#inTransaction && !this.#database.isTransaction) {
      throw new DatabaseError('failed', 'the transaction was rolled back after an earlier error')
    }
    try {
      let statement = this.#statements.get(text)
      if (statement === undefined) this.#statements.set(text, (statement = new Statement(this.#database, text)))
      return body(statement.prepare(values), statement.bind(values))
    } catch (cause) {
      throw sqliteError(cause, 'the database refused a statement')
    }
  }
}

/** A statement with at most one set, prepared once for each row count. */
class Statement {
  readonly #database: DatabaseSync
  readonly #template: Template
  readonly #hasSets: boolean
  readonly #prepared = new Map<number, StatementSync>()

  constructor(database: DatabaseSync, text: string) {
    this.#database = database
    this.#template = withoutLocks(parseTemplate(text))
    const sets = this.#template.places.filter(place => place !== 'value')
    assert(sets.length <= 1, `a statement may have at most one set: ${text}`)
    this.#hasSets = sets.length > 0
  }

  prepare(values: Values): StatementSync {
    const { places } = this.#template
    assert(places.length === values.length, `${places.length} values are expected, ${values.length} given`)
    const set = this.#hasSets ? places.findIndex(place => place !== 'value') : -1
    // A ROWS placeholder is bound to a set of rows.
    const rows = set < 0 ? 0 : rowsToBind(places[set] as RowsClause, values[set] as RowSet)
    let prepared = this.#prepared.get(rows)
    if (prepared === undefined) {
      prepared = this.#database.prepare(this.#render(rows))
      if (this.#prepared.size >= MAX_PREPARED) this.#prepared.delete(this.#prepared.keys().next().value!)
      this.#prepared.set(rows, prepared)
    }
    return prepared
  }

  bind(values: Values): SQLInputValue[] {
    // Without sets, all values are scalar.
    if (!this.#hasSets) return values as SQLInputValue[]
    const bound: SQLInputValue[] = []
    const { places } = this.#template
    for (let index = 0; index < places.length; index++) {
      const place = places[index]!
      const value = values[index]
      // Placeholders and values correspond by position: a scalar, or a set at a ROWS clause.
      if (place === 'value') bound.push(value as SQLInputValue)
      // As above.
      else if (rowsToBind(place, value as RowSet) === AS_JSON) bound.push(JSON.stringify(value))
      // As above.
      else for (const row of value as RowSet) for (const cell of row) bound.push(cell)
    }
    return bound
  }

  #render(rows: number): string {
    const { texts, places } = this.#template
    return texts.reduce((text, next, index) => {
      const place = places[index - 1]!
      return text + (place === 'value' ? '?' : rowsText(place, rows)) + next
    })
  }
}

/** Stands for a row count: too many rows to be bound value by value. */
const AS_JSON = -1

function rowsToBind({ columns }: RowsClause, rows: RowSet): number {
  return rows.length * columns.length > MAX_BOUND_VALUES ? AS_JSON : rows.length
}

/** Removes row locks: SQLite has a single writer, so there is nothing to lock. */
function withoutLocks({ texts, places }: Template): Template {
  return { texts: texts.map(text => text.replaceAll(/\bFOR (?:NO KEY UPDATE|UPDATE|KEY SHARE|SHARE)\b/g, '')), places }
}

function rowsText({ columns }: RowsClause, rows: number): string {
  const select = (valueOf: (index: number) => string) =>
    `SELECT ${columns.map(({ name }, index) => `${valueOf(index)} AS ${name}`).join(', ')}`
  if (rows === AS_JSON) return `(${select(index => `value ->> ${index}`)} FROM json_each(?))`
  if (rows === 0) return `(${select(() => 'NULL')} WHERE 0)`
  if (rows === 1) return `(${select(() => '?')})`
  const marks = `(${columns.map(() => '?').join(', ')})`
  return `(${select(index => `column${index + 1}`)} FROM (VALUES ${Array.from({ length: rows }, () => marks).join(', ')}))`
}

function sqliteError(cause: unknown, message: string): DatabaseError {
  if (cause instanceof DatabaseError) return cause
  const text = messageOf(cause)
  return new DatabaseError(codeOf(cause), `${message}: ${text}`, { cause })
}

/** SQLite's result codes (https://www.sqlite.org/rescode.html). */
function codeOf(cause: unknown): DatabaseErrorCode {
  const code = cause instanceof Error && 'errcode' in cause ? Number(cause.errcode) : 0
  if (code === 1555 || code === 2067) return 'duplicate' // SQLITE_CONSTRAINT_PRIMARYKEY, _UNIQUE
  // The bits above the lowest eight only refine one of these.
  switch (code & 0xff) {
    case 5: // SQLITE_BUSY
    case 6: // SQLITE_LOCKED
      return 'busy'
    case 10: // SQLITE_IOERR: data written before the disk failed may be found, complete, after a restart.
      return 'unknown_outcome'
    case 13: // SQLITE_FULL
      return 'full'
    default:
      return 'failed'
  }
}
