import type { Clock } from '../../base/index.ts'
import type { Value } from '../../bloblang/index.ts'
import type { ConnectionConfig, InsertStatement, Row, SqlConnection } from './connection.ts'
import { ConnectionPool, type Pooled } from './connection-pool.ts'
import { bytesOf, type Result, rowsOf } from './result.ts'

/**
 * One connection to a database. Statements do not overlap. They reject with a `StatementError` if the database refused
 * them, and with `NotConnectedError` if the connection broke.
 */
export interface Session extends Pooled {
  query(query: string, args: readonly Value[]): Promise<Result>
  /** The result in parts, as it arrives. The connection is unusable if the caller stops early. */
  parts(query: string, args: readonly Value[]): AsyncGenerator<Result>
  /** Inserts all rows or none. */
  insert(statement: InsertStatement, rows: readonly (readonly Value[])[]): Promise<void>
}

/** A database whose client has no pool of its own. */
export class PooledDatabase implements SqlConnection {
  readonly #pool: ConnectionPool<Session>
  readonly #probe: string

  /** `probe` is a statement that every server accepts. */
  constructor(open: () => Promise<Session>, config: ConnectionConfig, clock: Clock, probe = 'SELECT 1') {
    this.#pool = new ConnectionPool(open, config, clock)
    this.#probe = probe
  }

  open(): void {
    // The pool connects on demand.
  }

  async verify(): Promise<void> {
    await this.run(this.#probe, [])
  }

  async rows(query: string, args: readonly Value[]): Promise<readonly Row[]> {
    return rowsOf(await this.#pool.use(session => session.query(query, args)))
  }

  async *chunks(query: string, args: readonly Value[]): AsyncGenerator<readonly Row[]> {
    const { connection, release } = await this.#pool.lease()
    let isBroken = true
    try {
      for await (const part of connection.parts(query, args)) yield rowsOf(part)
      isBroken = false
    } finally {
      release(isBroken)
    }
  }

  async run(query: string, args: readonly Value[]): Promise<void> {
    await this.#pool.use(session => session.query(query, args))
  }

  async insert(statement: InsertStatement, rows: readonly (readonly Value[])[]): Promise<void> {
    await this.#pool.use(session => session.insert(statement, rows))
  }

  async bytes(query: string, args: readonly Value[]): Promise<Uint8Array | undefined> {
    const { rows } = await this.#pool.use(session => session.query(query, args))
    return bytesOf(rows[0]?.[0])
  }

  async close(): Promise<void> {
    await this.#pool.close()
  }
}
