import { Buffer } from 'node:buffer'
import type { Clock } from '../../base/index.ts'
import type { Value } from '../../bloblang/index.ts'
import type { ConnectionConfig, InsertStatement, Row, SqlConnection } from './connection.ts'
import { ConnectionPool, type Pooled } from './connection-pool.ts'

/** Columns and rows of a result. Binary values are bytes. */
export interface Result {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Value[])[]
}

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

/** The rows of a result as objects; bytes become text, as in the original. */
function rowsOf({ columns, rows }: Result): Row[] {
  return rows.map(row => Object.fromEntries(columns.map((name, at) => [name, textOfBytes(row[at] ?? null)])))
}

function textOfBytes(value: Value): Value {
  return value instanceof Uint8Array ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString() : value
}

/** A value as bytes; undefined for NULL or if there is none. */
function bytesOf(value: Value | undefined): Uint8Array | undefined {
  if (value === null || value === undefined) return undefined
  // Data written by another program may be text.
  return value instanceof Uint8Array ? value : Buffer.from(String(value))
}
