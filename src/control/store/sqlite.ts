import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { Database, Sql, SqlValue } from './database.ts'
import { createStatements } from './schema.ts'

const typeNames = { text: 'TEXT', integer: 'INTEGER', time: 'INTEGER', json: 'TEXT', boolean: 'INTEGER' }

/**
 * Opens the embedded database, `:memory:` or a file that is created when missing. Statements are few and short here,
 * a person's clicks and a heartbeat now and then, so they run in this thread.
 */
export function openSqlite(path: string): Database {
  const database = new DatabaseSync(path, { timeout: 5000 })
  database.exec('PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON')
  for (const statement of createStatements(typeNames)) database.exec(statement)
  return new SqliteDatabase(database)
}

class SqliteDatabase implements Database {
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  readonly #sql: Sql
  #last: Promise<unknown> = Promise.resolve()
  #synchronous = ''

  constructor(database: DatabaseSync) {
    this.#database = database
    this.#sql = {
      all: async <Row>(statement: string, ...values: readonly SqlValue[]) =>
        this.#prepare(statement).all(...values) as Row[],
      run: async (statement, ...values) => Number(this.#prepare(statement).run(...values).changes),
    }
  }

  // The work of a transaction may wait between its statements, so that transactions have to queue up here.
  transaction<Result>(durability: 'durable' | 'relaxed', work: (sql: Sql) => Promise<Result>): Promise<Result> {
    const result = this.#last.then(() => this.#transact(durability, work))
    this.#last = result.catch(() => undefined)
    return result
  }

  async #transact<Result>(durability: 'durable' | 'relaxed', work: (sql: Sql) => Promise<Result>): Promise<Result> {
    // In WAL mode NORMAL survives the end of the process, FULL also a power failure.
    const synchronous = durability === 'durable' ? 'FULL' : 'NORMAL'
    if (synchronous !== this.#synchronous) {
      this.#database.exec(`PRAGMA synchronous = ${synchronous}`)
      this.#synchronous = synchronous
    }
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      const result = await work(this.#sql)
      this.#database.exec('COMMIT')
      return result
    } catch (error) {
      // Where the disk is full the database has rolled back already, and a second time would hide why.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }

  #prepare(text: string): StatementSync {
    let statement = this.#statements.get(text)
    if (statement === undefined) this.#statements.set(text, (statement = this.#database.prepare(text)))
    return statement
  }

  async close(): Promise<void> {
    await this.#last
    this.#database.close()
  }
}
