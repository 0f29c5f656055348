import { codeOf } from '../../base/index.ts'
import { Buffer } from 'node:buffer'
import mysql from 'mysql2'
import type { FieldPacket, Pool, PoolConnection, PoolOptions } from 'mysql2/promise'
import { Float, JsonNumber, Timestamp, Uint64, type Value } from '../../bloblang/index.ts'
import { NotConnectedError, type Resources } from '../../engine/index.ts'
import { unsupportedArgument } from './arguments.ts'
import {
  type ConnectionConfig,
  type InsertStatement,
  type Row,
  type SqlConnection,
  StatementError,
  unreachableError,
} from './connection.ts'
import { type MysqlDsn, parseMysqlDsn } from './mysql-dsn.ts'
import { postgresTime } from './postgres-time.ts'
import { insertQuery } from './queries.ts'

/** Rows handed on together. */
const CHUNK_ROWS = 512
/** The protocol counts parameters in 16 bits. */
const MAX_PARAMETERS = 65_535
/** Connections beyond `conn_max_idle` are kept this long, so that a steady load does not open one per statement. */
const SURPLUS_IDLE_MS = 5000
const CONNECT_TIMEOUT_MS = 30_000
/** Attempts at a statement whose connection breaks, as in Go's `database/sql`. */
const MAX_ATTEMPTS = 3

/** Prepares a pool for a configured DSN; connections are opened on demand. Throws `ConfigError`. */
export function openMysql(config: ConnectionConfig, resources: Resources): MysqlConnection {
  const dsn = parseMysqlDsn(config.dsn)
  if (dsn.ineffective.length > 0) {
    resources.log.warn(`These parameters of the DSN have no effect: ${dsn.ineffective.join(', ')}`)
  }
  const { conn_max_open: maxOpen = 0, conn_max_idle: maxIdle = 2, conn_max_idle_time: idleMs } = config
  const { network } = resources.host
  const options: PoolOptions = {
    host: dsn.host,
    port: dsn.port,
    user: dsn.user,
    password: dsn.password,
    database: dsn.database === '' ? undefined : dsn.database,
    ...(dsn.socketPath === undefined
      ? { stream: () => network.connect({ host: dsn.host, port: dsn.port, noDelay: true, keepAlive: true }) }
      : { socketPath: dsn.socketPath }),
    ...(dsn.charset === undefined ? {} : { charset: dsn.charset }),
    connectTimeout: dsn.connectTimeoutMs || CONNECT_TIMEOUT_MS,
    connectionLimit: maxOpen > 0 ? maxOpen : Number.MAX_SAFE_INTEGER,
    maxIdle: idleMs === undefined ? Math.max(maxIdle, 0) : 0,
    idleTimeout: idleMs ?? SURPLUS_IDLE_MS,
    maxPreparedStatements: 64,
    multipleStatements: dsn.multiStatements,
    flags: [dsn.foundRows ? '+FOUND_ROWS' : '-FOUND_ROWS'],
    supportBigNumbers: true,
    bigNumberStrings: true,
    dateStrings: true,
    jsonStrings: true,
    rowsAsArray: true,
  }
  return new MysqlConnection(options, dsn)
}

class MysqlConnection implements SqlConnection {
  readonly #options: PoolOptions
  #pool: Pool
  readonly #dsn: MysqlDsn
  readonly #inUse = new Set<PoolConnection>()
  /** Connections whose session variables are set. */
  readonly #prepared = new WeakSet<object>()
  #isClosed = false

  constructor(options: PoolOptions, dsn: MysqlDsn) {
    this.#options = options
    this.#dsn = dsn
    this.#pool = mysql.createPool({ ...options, ...sslOf(dsn) }).promise()
  }

  open(): void {
    // The pool connects on demand.
  }

  async verify(): Promise<void> {
    await this.#withConnection(connection => connection.ping())
  }

  async rows(query: string, args: readonly Value[]): Promise<readonly Row[]> {
    const [rows, fields] = await this.#withConnection(connection => this.#send(connection, query, args))
    // Statements that return no rows yield a summary instead.
    if (!Array.isArray(rows)) return []
    const convert = this.#converter(fields, this.#isText(args))
    return (rows as unknown[][]).map(convert) // rows are requested as arrays
  }

  async *chunks(query: string, args: readonly Value[]): AsyncGenerator<readonly Row[]> {
    const connection = await this.#acquire()
    let isBroken = true
    try {
      // Only the callback API has streams, which apply backpressure while they are not read.
      const raw = connection.connection as unknown as mysql.Connection
      const values = parametersOf(args)
      const command = this.#isText(args) ? raw.query(query, values) : raw.execute(query, values)
      let convert: ((row: unknown[]) => Row) | undefined
      command.on('fields', (fields: FieldPacket[]) => (convert ??= this.#converter(fields, this.#isText(args))))
      let rows: Row[] = []
      for await (const row of command.stream({ highWaterMark: CHUNK_ROWS })) {
        rows.push(convert!(row as unknown[])) // rows are requested as arrays
        if (rows.length < CHUNK_ROWS) continue
        yield rows
        rows = []
      }
      if (rows.length > 0) yield rows
      isBroken = false
    } catch (error) {
      isBroken = isConnectionError(error)
      throw translated(error)
    } finally {
      this.#release(connection, isBroken)
    }
  }

  async run(query: string, args: readonly Value[]): Promise<void> {
    await this.#withConnection(connection => this.#send(connection, query, args))
  }

  async insert(statement: InsertStatement, rows: readonly (readonly Value[])[]): Promise<void> {
    const perStatement = Math.max(1, Math.floor(MAX_PARAMETERS / Math.max(1, statement.columns.length)))
    if (rows.length <= perStatement) return this.#withConnection(connection => insertRows(connection, statement, rows))
    await this.#withConnection(async connection => {
      await connection.beginTransaction()
      try {
        for (let at = 0; at < rows.length; at += perStatement) {
          await insertRows(connection, statement, rows.slice(at, at + perStatement))
        }
        await connection.commit()
      } catch (error) {
        if (!isConnectionError(error)) await connection.rollback()
        throw error
      }
    })
  }

  async bytes(query: string, args: readonly Value[]): Promise<Uint8Array | undefined> {
    const [rows] = await this.#withConnection(connection => this.#send(connection, query, args))
    const [value = null] = (rows as unknown[][])[0] ?? [] // rows are requested as arrays
    if (value === null) return undefined
    return value instanceof Uint8Array ? value : Buffer.from(String(value))
  }

  /** Statements in flight fail: their outcome is unknown. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const connection of this.#inUse) connection.destroy()
    await this.#pool.end()
  }

  /** Whether a statement is sent as text rather than prepared: without arguments, or if the DSN says so. */
  #isText(args: readonly Value[]): boolean {
    return args.length === 0 || this.#dsn.interpolateParams
  }

  async #send(
    connection: PoolConnection,
    query: string,
    args: readonly Value[],
  ): Promise<readonly [rows: unknown, fields: FieldPacket[]]> {
    const values = parametersOf(args)
    return this.#isText(args) ? connection.query(query, values) : connection.execute(query, values)
  }

  /**
   * Converts values to what the original gets from Go's driver: for prepared statements numbers by their type,
   * otherwise text; times as text unless the DSN says `parseTime`.
   */
  #converter(fields: readonly FieldPacket[], isText: boolean): (row: unknown[]) => Row {
    const columns = fields.map(({ name, columnType }) => ({
      name,
      convert: converterOf(columnType ?? mysql.Types.VAR_STRING, isText, this.#dsn.parseTime),
    }))
    return row => {
      const entries: Record<string, Value> = {}
      columns.forEach(({ name, convert }, at) => {
        const value = row[at] ?? null
        entries[name] = value === null ? null : convert(value)
      })
      return entries
    }
  }

  async #withConnection<Result>(work: (connection: PoolConnection) => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      const connection = await this.#acquire()
      let isBroken = true
      try {
        const result = await work(connection)
        isBroken = false
        return result
      } catch (error) {
        isBroken = isConnectionError(error)
        if (!isBroken || attempt === MAX_ATTEMPTS || this.#isClosed) throw translated(error)
      } finally {
        this.#release(connection, isBroken)
      }
    }
  }

  async #acquire(): Promise<PoolConnection> {
    try {
      const connection = await this.#connection()
      this.#inUse.add(connection)
      await this.#setVariables(connection)
      return connection
    } catch (error) {
      throw connectError(error, `${this.#dsn.host}:${this.#dsn.port}`)
    }
  }

  async #connection(): Promise<PoolConnection> {
    const pool = this.#pool
    try {
      return await pool.getConnection()
    } catch (error) {
      if (!this.#dsn.allowsPlaintext || this.#isClosed) throw error
      if (pool === this.#pool) {
        if (codeOf(error) !== 'HANDSHAKE_NO_SSL_SUPPORT') throw error
        this.#giveUpEncryption()
      }
      return this.#pool.getConnection()
    }
  }

  /**
   * Called when the server has no TLS and the DSN permits that. Statements waiting for the old pool fail there and use
   * the new one.
   */
  #giveUpEncryption(): void {
    this.#pool.end().catch(() => undefined)
    this.#pool = mysql.createPool(this.#options).promise()
  }

  async #setVariables(connection: PoolConnection): Promise<void> {
    const raw = connection.connection
    if (this.#prepared.has(raw)) return
    this.#prepared.add(raw)
    const variables = Object.entries(this.#dsn.variables)
    if (variables.length === 0) return
    await connection.query(`SET ${variables.map(([name, value]) => `${name}=${value}`).join(', ')}`)
  }

  #release(connection: PoolConnection, isBroken: boolean): void {
    this.#inUse.delete(connection)
    if (isBroken) connection.destroy()
    else connection.release()
  }
}

function sslOf({ tls }: MysqlDsn): { ssl?: mysql.SslOptions } {
  if (tls === 'off') return {}
  return { ssl: { rejectUnauthorized: tls === 'verify' } }
}

async function insertRows(
  connection: PoolConnection,
  statement: InsertStatement,
  rows: readonly (readonly Value[])[],
): Promise<void> {
  const query = insertQuery(
    statement,
    'question',
    rows.map(row => row.length),
  )
  await connection.execute(query, parametersOf(rows.flat()))
}

function parametersOf(args: readonly Value[]): (string | number | Buffer | null)[] {
  return args.map(parameter)
}

function parameter(value: Value, index: number): string | number | Buffer | null {
  if (value === null || typeof value === 'string' || typeof value === 'number') return value
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'boolean') return value ? 1 : 0
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  if (value instanceof Float) return value.value
  if (value instanceof Uint64) return String(value.value)
  if (value instanceof JsonNumber) return value.text
  if (value instanceof Timestamp) return timeText(value)
  throw unsupportedArgument(value, index)
}

function timeText({ unixNanos }: Timestamp): string {
  const millis = new Date(Number(unixNanos / 1_000_000n)).toISOString()
  const micros = String(((unixNanos / 1000n) % 1000n) + 1000n).slice(-3)
  return `${millis.slice(0, 10)} ${millis.slice(11, -1)}${micros}`
}

function converterOf(type: number, isText: boolean, parsesTime: boolean): (value: unknown) => Value {
  const { Types } = mysql
  const isTime = type === Types.TIMESTAMP || type === Types.DATETIME || type === Types.DATE
  if (isTime && parsesTime) return value => postgresTime(String(value)) ?? String(value)
  if (isText) return textOf
  switch (type) {
    case Types.TINY:
    case Types.SHORT:
    case Types.INT24:
    case Types.LONG:
    case Types.LONGLONG:
    case Types.YEAR:
      return value => integerOf(String(value))
    case Types.FLOAT:
    case Types.DOUBLE:
      return value => new Float(Number(value))
    default:
      return textOf
  }
}

/** Integers outside int64 become text. */
function integerOf(text: string): Value {
  const value = BigInt(text)
  return BigInt.asIntN(64, value) === value ? value : text
}

function textOf(value: unknown): Value {
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : String(value)
}

interface MysqlError extends Error {
  readonly code?: string
  readonly errno?: number
  readonly sqlState?: string
  readonly sqlMessage?: string
}

/** Anything that did not come from the server, or that it reports when it shuts down. */
function isConnectionError(error: unknown): boolean {
  if (error instanceof StatementError || !(error instanceof Error)) return false
  const { sqlState, code } = error as MysqlError // an error without these fields leaves them undefined
  return sqlState === undefined || code === 'ER_SERVER_SHUTDOWN' || code === 'ER_CONNECTION_KILLED'
}

function translated(error: unknown): unknown {
  if (isConnectionError(error)) return new NotConnectedError(error)
  // It has an SQLSTATE, so it came from the server.
  return error instanceof StatementError ? error : statementError(error as MysqlError)
}

function statementError(error: MysqlError): StatementError {
  const { errno, sqlState, sqlMessage, message } = error
  return new StatementError(`Error ${errno} (${sqlState}): ${sqlMessage ?? message}`, String(errno), { cause: error })
}

/** The error of a failed connection attempt, worded like Go's driver. */
function connectError(error: unknown, address: string): Error {
  const failure = error as MysqlError // the error type of mysql2's connection failures
  if (failure.sqlState !== undefined) return new Error(statementError(failure).message, { cause: error })
  return unreachableError(failure, address)
}
