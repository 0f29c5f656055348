/** What a statement may carry; a boolean travels as 0 or 1. */
export type SqlValue = string | number | null

/** Runs statements with `?` for values. Inside a transaction all of them happen, or none. */
export interface Sql {
  all<Row>(statement: string, ...values: readonly SqlValue[]): Promise<Row[]>
  /** Runs a statement for its effect and answers how many rows it changed. */
  run(statement: string, ...values: readonly SqlValue[]): Promise<number>
}

/** A database that has all tables of the schema. Any opener will do; they are tested by one suite. */
export interface Database {
  /**
   * Runs `work` alone and keeps what it did, or nothing of it when it throws. What it kept survives the end of the
   * process; with `durable` also a power failure.
   */
  transaction<Result>(durability: 'durable' | 'relaxed', work: (sql: Sql) => Promise<Result>): Promise<Result>
  close(): Promise<void>
}
