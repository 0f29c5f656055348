import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import type { RowSet, SqlValue } from '../database.ts'
import { parseTemplate, type RowsClause, type Template } from '../dialect.ts'
import { DatabaseError, type DatabaseErrorCode } from '../errors.ts'

/** How long a writer waits for the writer of another process. */
const BUSY_TIMEOUT_MS = 10_000

/** Prepared statements that are kept; a set makes one for each number of rows. */
const MAX_STATEMENTS = 512

/** Up to this many values a set is bound value by value, which is two to four times as fast as JSON; SQLite allows 32,766. */
const MAX_BOUND_VALUES = 4096

export type Values = readonly (SqlValue | RowSet)[]

/** An open SQLite file in this thread. All calls are synchronous and throw DatabaseErrors. */
export class SqliteEngine {
  readonly #database: DatabaseSync
  readonly #templates = new Map<string, Template>()
  /** In the order of their last use. */
  readonly #statements = new Map<string, StatementSync>()
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
    // In WAL mode NORMAL survives the end of the process, FULL also a power failure.
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

  /** Ends the transaction, if SQLite has not ended it by itself after an error. */
  rollback(): void {
    this.#inTransaction = false
    if (this.#database.isTransaction) this.run('ROLLBACK', [])
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

  #use<T>(statement: string, values: Values, body: (prepared: StatementSync, bound: SQLInputValue[]) => T): T {
    // After some errors, a full disk for instance, SQLite rolls back by itself: what came next would be committed alone.
    if (this.#inTransaction && !this.#database.isTransaction) {
      throw new DatabaseError('failed', 'the transaction was rolled back after an earlier error')
    }
    try {
      const { text, bound } = this.#render(statement, values)
      return body(this.#prepare(text), bound)
    } catch (cause) {
      throw sqliteError(cause, 'the database refused a statement')
    }
  }

  /** The statement with its sets as SQLite knows them, and the values to bind. */
  #render(statement: string, values: Values): { text: string; bound: SQLInputValue[] } {
    let template = this.#templates.get(statement)
    if (template === undefined) {
      template = withoutLocks(parseTemplate(statement))
      this.#templates.set(statement, template)
    }
    const { texts, places } = template
    if (places.length !== values.length) {
      throw new TypeError(`${places.length} values are expected, ${values.length} given: ${statement}`)
    }
    // All places are single values, or the value of one of them would be an array.
    if (!values.some(Array.isArray)) return { text: statementText(template), bound: values as SQLInputValue[] }
    const bound: SQLInputValue[] = []
    let text = texts[0]!
    places.forEach((place, index) => {
      const value = values[index]!
      text += place === 'value' ? '?' : rowsText(place, value as RowSet, bound)
      if (place === 'value') bound.push(value as SQLInputValue)
      text += texts[index + 1]!
    })
    return { text, bound }
  }

  #prepare(text: string): StatementSync {
    const known = this.#statements.get(text)
    const prepared = known ?? this.#database.prepare(text)
    if (known !== undefined) this.#statements.delete(text)
    else if (this.#statements.size >= MAX_STATEMENTS) this.#statements.delete(this.#statements.keys().next().value!)
    this.#statements.set(text, prepared)
    return prepared
  }
}

const joined = new WeakMap<Template, string>()

function statementText(template: Template): string {
  let text = joined.get(template)
  if (text === undefined) joined.set(template, (text = template.texts.join('?')))
  return text
}

/** SQLite has one writer at a time, so there is nothing to lock row by row. */
function withoutLocks({ texts, places }: Template): Template {
  return { texts: texts.map(text => text.replaceAll(/\bFOR (?:NO KEY )?(?:UPDATE|SHARE)\b/g, '')), places }
}

function rowsText({ columns }: RowsClause, rows: RowSet, bound: SQLInputValue[]): string {
  if (rows.length === 0) return `(SELECT ${columns.map(({ name }) => `NULL AS ${name}`).join(', ')} WHERE 0)`
  if (rows.length * columns.length > MAX_BOUND_VALUES) {
    bound.push(JSON.stringify(rows))
    return `(SELECT ${columns.map(({ name }, index) => `value ->> ${index} AS ${name}`).join(', ')} FROM json_each(?))`
  }
  for (const row of rows) for (const value of row) bound.push(value)
  const marks = `(${columns.map(() => '?').join(', ')})`
  const names = columns.map(({ name }, index) => `column${index + 1} AS ${name}`).join(', ')
  return `(SELECT ${names} FROM (VALUES ${Array.from(rows, () => marks).join(', ')}))`
}

function sqliteError(cause: unknown, message: string): DatabaseError {
  if (cause instanceof DatabaseError) return cause
  const text = cause instanceof Error ? cause.message : String(cause)
  return new DatabaseError(codeOf(cause), `${message}: ${text}`, { cause })
}

/** SQLite's result codes (https://www.sqlite.org/rescode.html). */
function codeOf(cause: unknown): DatabaseErrorCode {
  const code = cause instanceof Error && 'errcode' in cause ? Number(cause.errcode) : 0
  if (code === 1555 || code === 2067) return 'duplicate' // SQLITE_CONSTRAINT_PRIMARYKEY, _UNIQUE
  // The bits above the lowest eight only say more about one of these.
  switch (code & 0xff) {
    case 5: // SQLITE_BUSY
    case 6: // SQLITE_LOCKED
      return 'busy'
    case 10: // SQLITE_IOERR: what was written before the disk failed may be found, complete, after a restart.
      return 'unknown_outcome'
    case 13: // SQLITE_FULL
      return 'full'
    default:
      return 'failed'
  }
}
