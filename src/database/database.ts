import { type DialectName, dialects } from './dialect.ts'

/** A parameter or column value. Integers are numbers within ±2^53; a boolean is stored as 0 or 1. */
export type SqlValue = string | number | Uint8Array | null

/**
 * The rows of a set, each with its values in the order of the columns that `ROWS(…)` declares. Bytes are not supported.
 */
export type RowSet = readonly (readonly (string | number | null)[])[]

/**
 * Runs statements inside one transaction. Statements are plain SQL that both databases accept, with two additions:
 *
 * - `?` is a placeholder for the next value, and `ROWS(id integer, name text)` one for a table given by the next
 *   value, a `RowSet`. One statement thus reads or writes a whole set:
 *   `UPDATE t SET n = r.n FROM ROWS(id integer, n integer) AS r WHERE …`.
 * - `FOR UPDATE`, `FOR NO KEY UPDATE`, `FOR SHARE` and `FOR KEY SHARE` lock rows where the
 *   database has several concurrent writers.
 *
 * Statements that do not depend on each other's results may be issued together (`Promise.all`): they run in the order
 * in which they were issued, without a round trip for each.
 */
export interface Sql {
  /** Returns the rows of a statement, also those of `RETURNING`. `Row` is not checked against the statement. */
  all<Row>(statement: string, ...values: readonly (SqlValue | RowSet)[]): Promise<Row[]>
  /** Runs a statement for its effect and returns the number of rows it changed. */
  run(statement: string, ...values: readonly (SqlValue | RowSet)[]): Promise<number>
  /**
   * Runs a statement for its effect and sends it together with the commit, so that neither waits for a round trip of its
   * own. The transaction rejects with the error of the statement if it fails.
   */
  runLast(statement: string, ...values: readonly (SqlValue | RowSet)[]): void
}

export interface TransactionOptions {
  /** A `read` sees one snapshot and may not write; a `write` sees what was committed before it took its locks. */
  readonly kind: 'read' | 'write'
  /**
   * Whether a commit survives a power failure. False trades that for speed; a process crash
   * loses nothing either way. Defaults to true.
   */
  readonly durable?: boolean
  /**
   * For frequent transactions whose statements find their rows by key: PostgreSQL plans each statement once and not for
   * each set of values, which took a third of its processor time. Defaults to false.
   */
  readonly keepsPlans?: boolean
}

/** An open database, embedded or remote. One suite tests every implementation (`database.suite.ts`). */
export interface Database {
  readonly dialect: DialectName
  /**
   * Runs `work` in a transaction, which is committed as a whole before this resolves, or not at all. When `work`
   * throws, the transaction is rolled back and the error is rethrown. Concurrent writers may share a commit, but each
   * still succeeds or fails on its own. `work` is run again after a conflict with another transaction, so statements
   * must be its only effects; and it must not wait for anything else, because other transactions wait for it.
   *
   * Rejects with a DatabaseError. Nothing has been changed then, except possibly with the code `unknown_outcome`.
   */
  transaction<Result>(options: TransactionOptions, work: (sql: Sql) => Promise<Result>): Promise<Result>
  /**
   * The listener is called once if the database is lost without having been closed.
   * Returns a function that unsubscribes it.
   */
  onLost(listener: (reason: Error) => void): () => void
  /** Waits for the transactions in progress and closes. Later transactions reject with the code `closed`. */
  close(): Promise<void>
}

/** The database's time in milliseconds since 1970, for leases that several processes grant and respect. */
export async function databaseTime(database: Database, sql: Sql): Promise<number> {
  return (await sql.all<{ now: number }>(`SELECT ${dialects[database.dialect].now} AS now`))[0]!.now
}
