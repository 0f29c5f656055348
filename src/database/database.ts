import { type DialectName, dialects } from './dialect.ts'

/** A value of a statement or a row. Integers are numbers within ±2^53; a boolean is stored as 0 or 1. */
export type SqlValue = string | number | Uint8Array | null

/** The rows of a set, each with its values in the order of the columns that `ROWS(…)` declares. No bytes. */
export type RowSet = readonly (readonly (string | number | null)[])[]

/**
 * Runs statements inside one transaction. Statements are plain SQL that both databases read, with two additions:
 *
 * - `?` stands for the next value, and `ROWS(id integer, name text)` for a table of the next value, a `RowSet`. One
 *   statement thus reads or writes a whole set: `UPDATE t SET n = r.n FROM ROWS(id integer, n integer) AS r WHERE …`.
 * - `FOR UPDATE`, `FOR NO KEY UPDATE`, `FOR SHARE` and `FOR KEY SHARE` lock rows where the database has several writers
 *   at once.
 *
 * Statements that do not depend on each other's results may be issued together (`Promise.all`): they run in the order
 * in which they were issued, without a round trip for each.
 */
export interface Sql {
  /** The rows that a statement answers, also those of `RETURNING`. Only the statement's text says which columns they have. */
  all<Row>(statement: string, ...values: readonly (SqlValue | RowSet)[]): Promise<Row[]>
  /** Runs a statement for its effect and answers how many rows it changed. */
  run(statement: string, ...values: readonly (SqlValue | RowSet)[]): Promise<number>
}

export interface TransactionOptions {
  /** A `read` sees one moment and may not write; a `write` sees what was committed before it took its locks. */
  readonly kind: 'read' | 'write'
  /**
   * Whether the transaction survives a power failure. False trades that for speed; the end of the process loses nothing
   * either way. Defaults to true.
   */
  readonly durable?: boolean
}

/** An open database, embedded or remote. Every opener is tested by one suite (`database.suite.ts`). */
export interface Database {
  readonly dialect: DialectName
  /**
   * Runs `work` in a transaction: all of it is committed before this resolves, or nothing of it is kept. When `work`
   * throws, the transaction is rolled back and the error passed on. Writers that wait at the same time may share a
   * commit, each still standing or falling alone. `work` runs again after a conflict with another transaction, so its
   * only effects are its statements, and it must not wait for anything else, since others wait for it.
   *
   * Rejects with a DatabaseError. Nothing has happened then, except with the code `unknown_outcome`.
   */
  transaction<Result>(options: TransactionOptions, work: (sql: Sql) => Promise<Result>): Promise<Result>
  /** Called once when the database is lost without having been closed. Returns how to stop listening. */
  onLost(listener: (reason: Error) => void): () => void
  /** Waits for the transactions under way and closes. Later transactions reject with the code `closed`. */
  close(): Promise<void>
}

/** The time of the database in milliseconds since 1970, for leases that several processes grant and respect. */
export async function databaseTime(database: Database, sql: Sql): Promise<number> {
  return (await sql.all<{ now: number }>(`SELECT ${dialects[database.dialect].now} AS now`))[0]!.now
}
