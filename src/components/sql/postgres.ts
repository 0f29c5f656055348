import { messageOf } from '../../base/index.ts'
import { Buffer } from 'node:buffer'
import pg from 'pg'
import Cursor from 'pg-cursor'
import { Float, JsonNumber, Timestamp, Uint64, type Value } from '../../bloblang/index.ts'
import { ConfigError, NotConnectedError, type Resources } from '../../engine/index.ts'
import {
  type ConnectionConfig,
  type InsertStatement,
  type Row,
  type SqlConnection,
  StatementError,
  unreachableError,
} from './connection.ts'
import { unsupportedArgument } from './arguments.ts'
import { parsePostgresDsn, type PostgresDsn } from './postgres-dsn.ts'
import { cloudLoginOf, signingIn } from './postgres-login.ts'
import { postgresTime } from './postgres-time.ts'
import { insertQuery } from './queries.ts'

const { builtins } = pg.types

/** Rows fetched together. */
const CHUNK_ROWS = 512
/** The protocol counts parameters in 16 bits. */
const MAX_PARAMETERS = 65_535
/** Connections beyond `conn_max_idle` are kept this long, so that a steady load does not open one per statement. */
const SURPLUS_IDLE_MS = 5000
const CONNECT_TIMEOUT_MS = 30_000
/** Attempts at a statement whose connection breaks, as in Go's `database/sql`. */
const MAX_ATTEMPTS = 3

/** Prepares a pool for a configured DSN; connections are opened on demand. Throws `ConfigError`. */
export function openPostgres(config: ConnectionConfig, resources: Resources): PostgresConnection {
  const dsn = parsePostgresDsn(config.dsn)
  const login = cloudLoginOf(config, dsn, resources)
  const { conn_max_open: maxOpen = 0, conn_max_idle: maxIdle = 2 } = config
  const { conn_max_idle_time: idleMs, conn_max_life_time: lifeMs } = config
  const max = maxOpen > 0 ? maxOpen : Number.POSITIVE_INFINITY
  const pool = new pg.Pool({
    Client: login === undefined ? CautiousClient : signingIn(CautiousClient, login),
    host: dsn.host,
    port: dsn.port,
    user: dsn.user,
    password: dsn.password,
    database: dsn.database,
    ssl: sslOf(dsn, resources),
    application_name: dsn.applicationName,
    options: Object.entries(dsn.settings)
      .map(([name, value]) => `-c ${name}=${value.replaceAll(/[\\ ]/g, String.raw`\$&`)}`)
      .join(' '),
    connectionTimeoutMillis: dsn.connectTimeoutMs || CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 15_000,
    max,
    min: idleMs === undefined ? Math.min(Math.max(maxIdle, 0), max) : 0,
    idleTimeoutMillis: idleMs ?? SURPLUS_IDLE_MS,
    maxLifetimeSeconds: (lifeMs ?? 0) / 1000,
    types: { getTypeParser: parserOf },
  })
  return new PostgresConnection(pool, `${dsn.host}:${dsn.port}`, login?.close)
}

/** Maximum bytes that a server sends before it accepts statements: parameters and challenges, usually a few hundred. */
const MAX_GREETING_BYTES = 65_536

/**
 * A client that gives up on a server which speaks another protocol. The library would take its first bytes for a
 * message length, buffer that much, and then throw an uncaught error.
 */
class CautiousClient extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super(config)
    const { connection } = this
    const { stream } = connection
    let bytes = 0
    const count = (data: Buffer) => {
      bytes += data.length
      if (bytes > MAX_GREETING_BYTES) stream.destroy(new Error('the server does not speak the protocol of PostgreSQL'))
    }
    stream.on('data', count)
    connection.once('readyForQuery', () => stream.off('data', count))
  }
}

class PostgresConnection implements SqlConnection {
  readonly #pool: pg.Pool
  readonly #address: string
  readonly #inUse = new Set<pg.PoolClient>()
  /** Parameter types of the statements that were run with bytes. */
  readonly #parameterTypes = new Map<string, readonly number[]>()
  readonly #closeLogin: () => Promise<void>

  constructor(pool: pg.Pool, address: string, closeLogin: () => Promise<void> = () => Promise.resolve()) {
    this.#pool = pool
    this.#address = address
    this.#closeLogin = closeLogin
    // A broken connection fails the statement that runs on it; the pool replaces the connection.
    pool.on('error', () => undefined)
    pool.on('connect', client => client.on('error', () => undefined))
  }

  open(): void {
    // The pool connects on demand.
  }

  async verify(): Promise<void> {
    await this.#query('SELECT 1', [])
  }

  async rows(query: string, args: readonly Value[]): Promise<readonly Row[]> {
    const { fields, rows } = await this.#query(query, args)
    return rows.map(row => rowOf(fields, row))
  }

  async *chunks(query: string, args: readonly Value[]): AsyncGenerator<readonly Row[]> {
    const client = await this.#acquire()
    let isBroken = true
    try {
      const cursor = client.query(
        new Cursor<Value[]>(query, await this.#parameters(client, query, args), { rowMode: 'array', types }),
      )
      for (;;) {
        const [rows, fields] = await readCursor(cursor)
        if (rows.length > 0) yield rows.map(row => rowOf(fields, row))
        if (rows.length < CHUNK_ROWS) break
      }
      await cursor.close()
      isBroken = false
    } catch (error) {
      isBroken = !(error instanceof pg.DatabaseError)
      throw translated(error)
    } finally {
      this.#release(client, isBroken)
    }
  }

  async run(query: string, args: readonly Value[]): Promise<void> {
    await this.#query(query, args)
  }

  async insert(statement: InsertStatement, rows: readonly (readonly Value[])[]): Promise<void> {
    const perStatement = Math.max(1, Math.floor(MAX_PARAMETERS / Math.max(1, statement.columns.length)))
    if (rows.length <= perStatement) return this.#withClient(client => this.#insert(client, statement, rows))
    await this.#withClient(async client => {
      await client.query('BEGIN')
      try {
        for (let at = 0; at < rows.length; at += perStatement) {
          await this.#insert(client, statement, rows.slice(at, at + perStatement))
        }
        await client.query('COMMIT')
      } catch (error) {
        if (error instanceof pg.DatabaseError) await client.query('ROLLBACK')
        throw error
      }
    })
  }

  async bytes(query: string, args: readonly Value[]): Promise<Uint8Array | undefined> {
    const result = await this.#withClient(async client =>
      client.query<(Buffer | string | null)[]>({
        text: query,
        values: await this.#parameters(client, query, args),
        rowMode: 'array',
        types: { getTypeParser: oid => (oid === builtins.BYTEA ? bytesOfHex : textOf) },
      }),
    )
    const [value = null] = result.rows[0] ?? []
    return value === null ? undefined : Buffer.from(value)
  }

  /** Statements in flight fail: their outcome is unknown. */
  async close(): Promise<void> {
    const ended = this.#pool.end()
    for (const client of this.#inUse) void client.end()
    await ended
    await this.#closeLogin()
  }

  async #query(query: string, args: readonly Value[]): Promise<{ fields: pg.FieldDef[]; rows: Value[][] }> {
    return this.#withClient(async client => {
      const values = await this.#parameters(client, query, args)
      const result: unknown = await client.query<Value[]>({ text: query, values, rowMode: 'array' })
      // Several statements without arguments yield several results, of which the last one counts.
      return (Array.isArray(result) ? result.at(-1) : result) as pg.QueryArrayResult<Value[]>
    })
  }

  async #insert(client: pg.PoolClient, statement: InsertStatement, rows: readonly (readonly Value[])[]): Promise<void> {
    const widths = rows.map(row => row.length)
    const hasBytes = rows.some(row => row.some(isBytes))
    const one = insertQuery(statement, 'dollar')
    const types = hasBytes ? await this.#typesOf(client, one) : []
    const values: unknown[] = []
    for (const row of rows) row.forEach((value, at) => values.push(parameter(value, types[at], values.length)))
    await client.query({ text: insertQuery(statement, 'dollar', widths), values })
  }

  async #parameters(client: pg.PoolClient, query: string, args: readonly Value[]): Promise<unknown[]> {
    const types = args.some(isBytes) ? await this.#typesOf(client, query) : []
    return args.map((value, index) => parameter(value, types[index], index))
  }

  /**
   * Looks up the parameter types of a statement once: bytes are sent as a `bytea`, or as the text of any other type.
   */
  async #typesOf(client: pg.PoolClient, query: string): Promise<readonly number[]> {
    const known = this.#parameterTypes.get(query)
    if (known !== undefined) return known
    const types = await describeParameters(client, query)
    if (this.#parameterTypes.size >= 256) this.#parameterTypes.clear()
    this.#parameterTypes.set(query, types)
    return types
  }

  /** Runs `work` on a connection, and retries on another one if it breaks. */
  async #withClient<Result>(work: (client: pg.PoolClient) => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      const client = await this.#acquire()
      let isBroken = true
      try {
        const result = await work(client)
        isBroken = false
        return result
      } catch (error) {
        isBroken = isConnectionError(error)
        if (!isBroken || attempt === MAX_ATTEMPTS || this.#pool.ending) throw translated(error)
      } finally {
        this.#release(client, isBroken)
      }
    }
  }

  async #acquire(): Promise<pg.PoolClient> {
    try {
      const client = await this.#pool.connect()
      this.#inUse.add(client)
      return client
    } catch (error) {
      throw connectError(error, this.#address)
    }
  }

  #release(client: pg.PoolClient, isBroken: boolean): void {
    this.#inUse.delete(client)
    client.release(isBroken)
  }
}

function sslOf({ sslMode, ssl, host }: PostgresDsn, { host: machine }: Resources): pg.PoolConfig['ssl'] {
  if (sslMode === 'disable') return false
  const pem = (value: string) => (ssl.isInline || value === '' ? value : readFile(machine, value))
  const ca = pem(ssl.root)
  const verifies = sslMode !== 'require' || ca !== ''
  return {
    rejectUnauthorized: verifies,
    ...(ca === '' ? {} : { ca }),
    ...(ssl.cert === '' ? {} : { cert: pem(ssl.cert), key: pem(ssl.key) }),
    ...(sslMode === 'verify-full' ? { host } : { checkServerIdentity: () => undefined }),
  }
}

function readFile(machine: Resources['host'], path: string): string {
  try {
    return machine.files.readFileSync(path).toString('utf8')
  } catch (error) {
    throw new ConfigError(`cannot read a certificate of the DSN: ${messageOf(error)}`, { cause: error })
  }
}

async function readCursor(cursor: Cursor<Value[]>): Promise<readonly [rows: Value[][], fields: pg.FieldDef[]]> {
  return new Promise((resolve, reject) => {
    cursor.read(CHUNK_ROWS, (error: Error | undefined, rows, result) => {
      if (error) reject(error)
      else resolve([rows, result.fields])
    })
  })
}

function rowOf(fields: readonly pg.FieldDef[], row: readonly Value[]): Row {
  const entries: Record<string, Value> = {}
  for (let at = 0; at < fields.length; at++) entries[fields[at]!.name] = row[at] ?? null
  return entries
}

/** Obtains the `ParameterDescription` of a statement by the extended protocol, for which the driver has no call. */
function describeParameters(client: pg.PoolClient, text: string): Promise<readonly number[]> {
  return new Promise((resolve, reject) => {
    let types: readonly number[] = []
    let failure: Error | null = null
    const note = (message: { readonly dataTypeIDs: readonly number[] }) => (types = message.dataTypeIDs)
    client.query({
      submit(connection: pg.Connection) {
        connection.once('parameterDescription', note)
        connection.parse({ text, name: '', types: [] }, false)
        connection.describe({ type: 'S', name: '' }, false)
        connection.sync()
      },
      handleRowDescription: () => undefined,
      handleError: (error: Error) => {
        failure = error
        reject(error)
      },
      handleReadyForQuery: (connection: pg.Connection) => {
        connection.removeListener('parameterDescription', note)
        if (failure === null) resolve(types)
      },
    } as unknown as pg.Submittable) // the driver's types omit the handlers that it calls
  })
}

const types: pg.CustomTypesConfig = { getTypeParser: parserOf }

/**
 * Converts values to what the original gets from lib/pq: numbers by type, times as timestamps, anything else as text.
 */
function parserOf(oid: number): (text: string) => Value {
  switch (oid) {
    case builtins.BOOL:
      return text => text === 't'
    case builtins.INT2:
    case builtins.INT4:
    case builtins.INT8:
      return text => BigInt(text)
    case builtins.FLOAT4:
    case builtins.FLOAT8:
      return text => new Float(Number(text))
    case builtins.BYTEA:
      return text => bytesOfHex(text).toString('utf8')
    case builtins.TIMESTAMP:
    case builtins.TIMESTAMPTZ:
    case builtins.DATE:
    case builtins.TIME:
    case builtins.TIMETZ:
      return text => postgresTime(text) ?? text
    default:
      return textOf
  }
}

function textOf(text: string): string {
  return text
}

function bytesOfHex(text: string): Buffer {
  return Buffer.from(text.slice(2), 'hex')
}

function isBytes(value: Value): boolean {
  return value instanceof Uint8Array
}

function parameter(value: Value, type: number | undefined, index: number): unknown {
  if (value === null || typeof value === 'string') return value
  if (typeof value === 'bigint' || typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (value instanceof Uint8Array) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    return type === builtins.BYTEA ? bytes : bytes.toString('utf8')
  }
  if (value instanceof Float || value instanceof Uint64) return String(value.value)
  if (value instanceof JsonNumber) return value.text
  if (value instanceof Timestamp) return timeText(value)
  throw unsupportedArgument(value, index)
}

function timeText({ unixNanos }: Timestamp): string {
  const millis = new Date(Number(unixNanos / 1_000_000n)).toISOString()
  const micros = String(((unixNanos / 1000n) % 1000n) + 1000n).slice(-3)
  return `${millis.slice(0, -1)}${micros}Z`
}

/** Connection exceptions, operator intervention (shutdown, restart), and anything that did not come from the server. */
function isConnectionError(error: unknown): boolean {
  if (error instanceof StatementError || !(error instanceof Error)) return false
  if (error instanceof pg.DatabaseError) return /^(?:08|57P0)/.test(error.code ?? '')
  return true
}

function translated(error: unknown): unknown {
  if (error instanceof pg.DatabaseError && !isConnectionError(error)) {
    return new StatementError(`pq: ${error.message}`, error.code ?? '', { cause: error })
  }
  return isConnectionError(error) ? new NotConnectedError(error) : error
}

/** The error of a failed connection attempt, worded like lib/pq. */
function connectError(error: unknown, address: string): Error {
  const failure: unknown = error instanceof AggregateError ? error.errors[0] : error
  if (failure instanceof pg.DatabaseError) return new Error(`pq: ${failure.message}`, { cause: error })
  return unreachableError(failure, address)
}
