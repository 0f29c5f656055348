import process from 'node:process'
import type { Writable } from 'node:stream'
import pg from 'pg'
import type { Database, RowSet, Sql, SqlValue, TransactionOptions } from '../database.ts'
import { DatabaseError } from '../errors.ts'
import { isServerError, postgresError } from './errors.ts'
import { Listener } from './listener.ts'
import { bind, render } from './statement.ts'
import { typeParsers } from './types.ts'

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`, with the driver's parameters after `?`. */
  readonly url: string
  /** The schema of our tables, created when missing; defaults to `public`. */
  readonly schema?: string
  /** Maximum number of concurrent transactions; further ones wait. Defaults to 10. */
  readonly connections?: number
}

/** How often a transaction is run that keeps losing conflicts, before the caller gets the error. */
const MAX_ATTEMPTS = 10

/** Maximum size of a notification in bytes; PostgreSQL accepts less than 8000. */
const MAX_NOTIFICATION_BYTES = 7000

/**
 * Opens a PostgreSQL database. Rejects with a DatabaseError when the server cannot be reached now; if it becomes
 * unreachable later, transactions reject with `unreachable` and connections are re-established.
 */
export async function openPostgres(options: PostgresOptions): Promise<PostgresDatabase> {
  const { url, schema = 'public', connections = 10 } = options
  const config: pg.PoolConfig = {
    connectionString: url,
    application_name: 'penstock',
    types: typeParsers,
    pipeline: true,
    connectionTimeoutMillis: 10_000,
    // A server that has stopped responding counts as lost.
    query_timeout: 30_000,
    keepAlive: true,
    // Locks of a process that hangs or is cut off must not block the others indefinitely.
    lock_timeout: 10_000,
    idle_in_transaction_session_timeout: 60_000,
    options: `-c search_path=${quoted(schema).replaceAll(/[\\ ]/g, '\\$&')}`,
  }
  const pool = new pg.Pool({ ...config, max: connections, idleTimeoutMillis: 60_000 })
  // A broken connection fails the queries on it, and the pool replaces it.
  pool.on('error', () => {})
  pool.on('connect', client => client.on('error', () => {}))
  try {
    await ensureSchema(pool, schema)
  } catch (cause) {
    await pool.end()
    if (cause instanceof DatabaseError) throw cause
    throw postgresError(cause, 'unreachable', 'cannot open the database')
  }
  return new PostgresDatabase(pool, new Listener(config), schema)
}

/** Checks first, because a user without the right to create schemas may still use an existing one. */
async function ensureSchema(pool: pg.Pool, schema: string): Promise<void> {
  const query = `SELECT has_schema_privilege(oid, 'USAGE') AS "isUsable" FROM pg_namespace WHERE nspname = $1`
  const [known] = (await pool.query<{ isUsable: boolean }>(query, [schema])).rows
  // PostgreSQL itself ignores such a schema, and then has none to create tables in.
  if (known?.isUsable === false) throw new DatabaseError('failed', `the user has no right to use the schema ${schema}`)
  if (known !== undefined) return
  await pool.query(`CREATE SCHEMA IF NOT EXISTS ${quoted(schema)}`).catch((cause: unknown) => {
    // Another process that started at the same moment has created it.
    if (!isServerError(cause) || cause.code !== '23505') throw cause
  })
}

export class PostgresDatabase implements Database {
  readonly dialect = 'postgres'
  readonly #pool: pg.Pool
  readonly #listener: Listener
  readonly #schema: string
  readonly #running = new Set<Promise<unknown>>()
  #closing: Promise<void> | undefined

  constructor(pool: pg.Pool, listener: Listener, schema: string) {
    this.#pool = pool
    this.#listener = listener
    this.#schema = schema
  }

  async transaction<Result>(options: TransactionOptions, work: (sql: Sql) => Promise<Result>): Promise<Result> {
    if (this.#closing !== undefined) throw new DatabaseError('closed', 'the database is closed')
    const running = this.#transact(options, work)
    this.#running.add(running)
    try {
      return await running
    } finally {
      this.#running.delete(running)
    }
  }

  /** Never called: connections are re-established, so the database is never lost for good. */
  onLost(): () => void {
    return () => {}
  }

  /** Sends a notification to all listeners of a channel of this schema, in any process. Best effort. */
  async notify(channel: string, payload: string): Promise<void> {
    if (this.#closing !== undefined) throw new DatabaseError('closed', 'the database is closed')
    if (Buffer.byteLength(payload) > MAX_NOTIFICATION_BYTES) {
      throw new DatabaseError('failed', `a notification may have at most ${MAX_NOTIFICATION_BYTES} bytes`)
    }
    const statement = { name: 'notify', text: 'SELECT pg_notify($1, $2)', values: [this.#channel(channel), payload] }
    await this.#pool.query(statement).catch((cause: unknown) => {
      throw postgresError(cause, 'unreachable', 'the notification was not sent')
    })
  }

  /**
   * Calls `onNotification` with each payload sent to a channel, and `onGap` each time that some may have been missed.
   * Resolves once the subscription is active.
   */
  listen(channel: string, onNotification: (payload: string) => void, onGap: () => void): Promise<void> {
    return this.#listener.listen(this.#channel(channel), onNotification, onGap)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#listener.close()
    await Promise.allSettled(this.#running)
    await this.#pool.end()
  }

  async #transact<Result>(options: TransactionOptions, work: (sql: Sql) => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#attempt(options, work)
      } catch (error) {
        const isConflict = error instanceof DatabaseError && error.code === 'conflict'
        if (!isConflict || attempt === MAX_ATTEMPTS) throw error
      }
    }
  }

  async #attempt<Result>(options: TransactionOptions, work: (sql: Sql) => Promise<Result>): Promise<Result> {
    const client = await this.#pool.connect().catch((cause: unknown) => {
      throw postgresError(cause, 'unreachable', 'the database cannot be reached')
    })
    const transaction = new Transaction(client, options)
    try {
      const result = await work(transaction)
      await transaction.commit()
      return result
    } catch (error) {
      await transaction.rollback()
      throw error
    } finally {
      client.release(transaction.isLost)
    }
  }

  #channel(name: string): string {
    return `${this.#schema}.${name}`
  }
}

/** One transaction. Its statements are sent as they are issued, without waiting for earlier results. */
class Transaction implements Sql {
  readonly #client: pg.PoolClient
  readonly #kind: TransactionOptions['kind']
  readonly #begun: Promise<unknown>
  /** Statements whose results are only checked once the commit has been sent. */
  readonly #last: Promise<unknown>[] = []
  #isOpen = true
  #isLost = false
  #isCorked = false

  constructor(client: pg.PoolClient, options: TransactionOptions) {
    this.#client = client
    this.#kind = options.kind
    this.#begun = this.#query({ text: beginning(options) })
    // The error is reported by the first statement, or by the commit, which fails as well.
    this.#begun.catch(() => undefined)
  }

  /** Whether the connection is gone, and with it the transaction. */
  get isLost(): boolean {
    return this.#isLost
  }

  async all<Row>(statement: string, ...values: readonly (SqlValue | RowSet)[]): Promise<Row[]> {
    // The statement's text determines the columns; no type system can check that.
    return (await this.#execute(statement, values)).rows as Row[]
  }

  async run(statement: string, ...values: readonly (SqlValue | RowSet)[]): Promise<number> {
    if (this.#kind === 'read') throw new DatabaseError('failed', `a read transaction cannot write: ${statement}`)
    return (await this.#execute(statement, values)).rowCount ?? 0
  }

  runLast(statement: string, ...values: readonly (SqlValue | RowSet)[]): void {
    const running = this.run(statement, ...values)
    running.catch(() => undefined) // reported by the commit, unless an earlier error ends the transaction
    this.#last.push(running)
  }

  async commit(): Promise<void> {
    await this.#begun
    this.#isOpen = false
    // If the connection is lost, the commit rejects too, with the code that tells that it may have happened.
    const { command } = await this.#query({ text: 'COMMIT' }, 'unknown_outcome')
    await Promise.all(this.#last)
    // A transaction with a failed statement cannot be committed; this command tag is PostgreSQL's only sign of it.
    if (command !== 'COMMIT')
      throw new DatabaseError('failed', 'the transaction was rolled back after an earlier error')
  }

  async rollback(): Promise<void> {
    if (!this.#isOpen || this.#isLost) return
    this.#isOpen = false
    // Without a connection there is no transaction left to roll back.
    await this.#query({ text: 'ROLLBACK' }).catch(() => undefined)
  }

  #execute(statement: string, values: readonly (SqlValue | RowSet)[]): Promise<pg.QueryResult> {
    const rendered = render(statement)
    return this.#query({ name: rendered.name, text: rendered.text, values: bind(rendered, values) })
  }

  async #query(
    query: pg.QueryConfig,
    lost: 'unreachable' | 'unknown_outcome' = 'unreachable',
  ): Promise<pg.QueryResult> {
    this.#cork()
    try {
      return await this.#client.query(query)
    } catch (cause) {
      this.#isLost ||= !isServerError(cause)
      throw postgresError(cause, lost, 'the database refused a statement')
    }
  }

  /** Sends all statements that are issued in this turn of the event loop with one system call. */
  #cork(): void {
    if (this.#isCorked) return
    this.#isCorked = true
    // Missing from the driver's types.
    const { stream } = (this.#client as unknown as { readonly connection: { readonly stream: Writable } }).connection
    stream.cork()
    process.nextTick(() => {
      this.#isCorked = false
      stream.uncork()
    })
  }
}

/** The statements that begin a transaction; without parameters, they are sent as one. */
function beginning({ kind, durable = true, keepsPlans = false }: TransactionOptions): string {
  const statements = [kind === 'read' ? 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY' : 'BEGIN']
  if (kind === 'write' && !durable) statements.push('SET LOCAL synchronous_commit TO off')
  if (keepsPlans) statements.push('SET LOCAL plan_cache_mode TO force_generic_plan')
  return statements.join('; ')
}

function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`
}
