import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import type { Socket, TcpNetConnectOpts } from 'node:net'
import tedious from 'tedious'
import { Float, JsonNumber, Timestamp, Uint64, type Value } from '../../bloblang/index.ts'
import { ConfigError, NotConnectedError, type Resources } from '../../engine/index.ts'
import { asError, messageOf } from '../../base/index.ts'
import { unsupportedArgument } from './arguments.ts'
import { type ConnectionConfig, type InsertStatement, type SqlConnection, StatementError } from './connection.ts'
import { type MssqlDsn, parseMssqlDsn } from './mssql-dsn.ts'
import { withNames } from './mssql-placeholders.ts'
import { readExactly } from './mssql-values.ts'
import { PooledDatabase, type Session } from './pooled-database.ts'
import { insertQuery } from './queries.ts'
import type { Result } from './result.ts'

const { TYPES } = tedious

/** Rows handed on together. */
const CHUNK_ROWS = 512
/** SQL Server accepts 2100 parameters in a call, two of which are the statement and the names of the others. */
const MAX_PARAMETERS = 2098
/** The most rows that SQL Server accepts in one `VALUES`. */
const MAX_ROWS = 1000
/** Errors of this class and above end the connection. */
const FATAL_CLASS = 20
const NANOS_OF_1970_SINCE_YEAR_ONE = 62_135_596_800_000_000_000n

/** Prepares a pool for a configured DSN; connections are opened on demand. Throws `ConfigError`. */
export function openMssql(config: ConnectionConfig, resources: Resources): SqlConnection {
  const dsn = parseMssqlDsn(config.dsn)
  if (dsn.ineffective.length > 0) {
    resources.log.warn(`These parameters of the DSN have no effect: ${dsn.ineffective.join(', ')}`)
  }
  readExactly()
  const options = connectionOptions(dsn, resources)
  return new PooledDatabase(() => MssqlSession.open(options, dsn), config, resources.clock)
}

function connectionOptions(dsn: MssqlDsn, { host }: Resources): tedious.ConnectionConfiguration {
  return {
    server: dsn.host,
    authentication: { type: 'default', options: { userName: dsn.user, password: dsn.password } },
    options: {
      ...(dsn.port === undefined ? { instanceName: dsn.instance } : { port: dsn.port }),
      ...(dsn.database === '' ? {} : { database: dsn.database }),
      ...(dsn.applicationName === '' ? {} : { appName: dsn.applicationName }),
      ...(dsn.workstation === '' ? {} : { workstationId: dsn.workstation }),
      ...(dsn.hostInCertificate === '' ? {} : { serverName: dsn.hostInCertificate }),
      ...(dsn.certificate === '' ? {} : { cryptoCredentialsDetails: { ca: certificatesOf(dsn.certificate, host) } }),
      encrypt: dsn.encrypts,
      trustServerCertificate: !dsn.verifies,
      connectTimeout: dsn.connectTimeoutMs,
      requestTimeout: dsn.statementTimeoutMs,
      packetSize: dsn.packetSize,
      readOnlyIntent: dsn.readsOnly,
      // The pool and the caller retry.
      maxRetriesOnTransientErrors: 0,
      lowerCaseGuids: false,
      useUTC: true,
      connector: connectorOf(host.network),
    },
  }
}

function certificatesOf(path: string, { files }: Resources['host']): string {
  try {
    return files.readFileSync(path).toString('utf8')
  } catch (error) {
    throw new ConfigError(`cannot read the certificate of the DSN: ${messageOf(error)}`, { cause: error })
  }
}

/** Opens the sockets of the client, also to a server that another one redirects to. */
function connectorOf(network: Resources['host']['network']): () => Promise<Socket> {
  const open = async (target: TcpNetConnectOpts, _lookup: unknown, signal: AbortSignal): Promise<Socket> => {
    const socket = network.connect({ host: target.host, port: target.port })
    try {
      await once(socket, 'connect', { signal })
      return socket
    } catch (error) {
      socket.destroy()
      throw error
    }
  }
  // The client passes the target and a signal, which its types leave out.
  return open as unknown as () => Promise<Socket>
}

class MssqlSession implements Session {
  readonly #connection: tedious.Connection
  #isAlive = true

  static async open(options: tedious.ConnectionConfiguration, { host, port, instance }: MssqlDsn): Promise<Session> {
    const connection = new tedious.Connection(options)
    // Every failure is also reported to the statement that runs, or ends the connection.
    connection.on('error', () => undefined)
    try {
      await new Promise<void>((resolve, reject) => {
        connection.connect(error => (error === undefined ? resolve() : reject(error)))
      })
    } catch (error) {
      connection.close()
      throw connectError(error, port === undefined ? `${host}\\${instance}` : `${host}:${port}`)
    }
    return new MssqlSession(connection)
  }

  constructor(connection: tedious.Connection) {
    this.#connection = connection
    connection.on('end', () => (this.#isAlive = false))
    connection.on('error', () => (this.#isAlive = false))
  }

  get isAlive(): boolean {
    return this.#isAlive
  }

  async query(query: string, args: readonly Value[]): Promise<Result> {
    let columns: readonly string[] = []
    const rows: Value[][] = []
    await this.#run(query, args, {
      columns: names => (columns = names),
      row: values => void rows.push(values),
    })
    return { columns, rows }
  }

  async *parts(query: string, args: readonly Value[]): AsyncGenerator<Result> {
    let columns: readonly string[] = []
    let rows: Value[][] = []
    let isDone = false
    let wake = Promise.withResolvers<void>()
    const running: { request?: tedious.Request } = {}
    const done = this.#run(
      query,
      args,
      {
        columns: names => (columns = names),
        row: values => {
          if (rows.push(values) < CHUNK_ROWS) return
          running.request?.pause()
          wake.resolve()
        },
      },
      request => (running.request = request),
    ).finally(() => {
      isDone = true
      wake.resolve()
    })
    // It is awaited below; until then a failure must not count as unhandled.
    done.catch(() => undefined)
    while (!isDone) {
      await wake.promise
      wake = Promise.withResolvers()
      if (rows.length > 0) yield { columns, rows }
      rows = []
      if (!isDone) running.request?.resume()
    }
    await done
  }

  async insert(statement: InsertStatement, rows: readonly (readonly Value[])[]): Promise<void> {
    const perStatement = Math.max(
      1,
      Math.min(MAX_ROWS, Math.floor(MAX_PARAMETERS / Math.max(1, statement.columns.length))),
    )
    if (rows.length <= perStatement) return this.#insert(statement, rows)
    await this.query('BEGIN TRANSACTION', [])
    try {
      for (let at = 0; at < rows.length; at += perStatement) {
        await this.#insert(statement, rows.slice(at, at + perStatement))
      }
      await this.query('COMMIT TRANSACTION', [])
    } catch (error) {
      // Some errors have rolled it back already.
      if (error instanceof StatementError) await this.query('IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION', [])
      throw error
    }
  }

  close(): void {
    this.#isAlive = false
    this.#connection.close()
  }

  async #insert(statement: InsertStatement, rows: readonly (readonly Value[])[]): Promise<void> {
    const widths = rows.map(row => row.length)
    await this.query(insertQuery(statement, 'question', widths), rows.flat())
  }

  /** Runs a statement. Of several results only the first counts, as in the original. */
  async #run(
    query: string,
    args: readonly Value[],
    into: { columns(names: readonly string[]): void; row(values: Value[]): void },
    started: (request: tedious.Request) => void = () => undefined,
  ): Promise<void> {
    if (!this.#isAlive) throw new NotConnectedError()
    let results = 0
    let failure: Error | undefined
    await new Promise<void>((resolve, reject) => {
      const request = new tedious.Request(withNames(query), error => {
        if (failure !== undefined) reject(failure)
        else if (error) reject(this.#translated(error))
        else resolve()
      })
      request.on('columnMetadata', columns => {
        results++
        // They are requested as an array.
        if (results === 1) into.columns((columns as { colName: string }[]).map(({ colName }) => colName))
      })
      request.on('row', (columns: readonly Column[]) => {
        if (results > 1 || failure !== undefined) return
        try {
          into.row(columns.map(valueOf))
        } catch (error) {
          failure = asError(error)
        }
      })
      args.forEach((value, index) => addParameter(request, value, index))
      started(request)
      if (args.length === 0) this.#connection.execSqlBatch(request)
      else this.#connection.execSql(request)
    })
  }

  #translated(error: Error): Error {
    const failure = lastOf(error)
    if (failure instanceof tedious.RequestError && failure.number !== undefined) {
      if ((failure.class ?? 0) < FATAL_CLASS) return statementError(failure)
    }
    this.#isAlive = false
    return new NotConnectedError(failure)
  }
}

/** The client collects all errors of a statement; Go's driver reports the last one. */
function lastOf(error: Error): Error {
  return error instanceof AggregateError ? asError(error.errors.at(-1)) : error
}

function statementError(error: tedious.RequestError): StatementError {
  return new StatementError(`mssql: ${error.message}`, String(error.number), { cause: error })
}

/** The error of a failed connection attempt, worded like Go's driver. */
function connectError(error: unknown, address: string): Error {
  const failure = error as tedious.ConnectionError // the client rejects with nothing else
  if (failure.code === 'ELOGIN') return new Error(`login error: mssql: ${failure.message}`, { cause: error })
  const reason =
    failure.code === 'EENCRYPT'
      ? 'the server does not support encryption, which encrypt=disable in the DSN turns off'
      : messageOf(failure.cause ?? failure)
  return new Error(`unable to open tcp connection with host '${address}': ${reason}`, { cause: error })
}

type Parameter = readonly [type: Parameters<tedious.Request['addParameter']>[1], value: unknown]

function addParameter(request: tedious.Request, value: Value, index: number): void {
  const [type, argument] = parameter(value, index)
  request.addParameter(`p${index + 1}`, type, argument)
}

function parameter(value: Value, index: number): Parameter {
  if (value === null || typeof value === 'string') return [TYPES.NVarChar, value]
  if (typeof value === 'bigint') return [TYPES.BigInt, value]
  if (typeof value === 'number') return Number.isInteger(value) ? [TYPES.BigInt, BigInt(value)] : [TYPES.Float, value]
  if (typeof value === 'boolean') return [TYPES.Bit, value]
  if (value instanceof Uint8Array) {
    return [TYPES.VarBinary, Buffer.from(value.buffer, value.byteOffset, value.byteLength)]
  }
  if (value instanceof Float) return [TYPES.Float, value.value]
  // SQL Server has no unsigned 64 bit integers; it converts the text to the type of the column.
  if (value instanceof Uint64) return [TYPES.NVarChar, String(value.value)]
  if (value instanceof JsonNumber) return jsonParameter(value.text)
  if (value instanceof Timestamp) return [TYPES.DateTimeOffset, dateOf(value)]
  throw unsupportedArgument(value, index)
}

/** The most digits that every floating-point number keeps. */
const FLOAT_DIGITS = 15

/** A number of a document: an integer or a floating-point number, as in the original, if that keeps its digits. */
function jsonParameter(text: string): Parameter {
  if (/^-?\d{1,18}$/.test(text)) return [TYPES.BigInt, BigInt(text)]
  const digits = /^-?[0.]*([\d.]*)/.exec(text)![1]!.replace('.', '').length
  return digits <= FLOAT_DIGITS ? [TYPES.Float, Number(text)] : [TYPES.NVarChar, text]
}

/** A date with its fraction of a millisecond, in seconds, as the client expects it. */
function dateOf({ unixNanos }: Timestamp): Date {
  const nanos = ((unixNanos % 1_000_000n) + 1_000_000n) % 1_000_000n
  const date = new Date(Number((unixNanos - nanos) / 1_000_000n))
  return Object.assign(date, { nanosecondDelta: Number(nanos) / 1e9 })
}

interface Column {
  readonly value: unknown
  readonly metadata: { readonly type: { readonly name: string } }
}

/** Converts a value to what the original gets from Go's driver, except that a `uniqueidentifier` is text. */
function valueOf({ value, metadata }: Column): Value {
  if (value === null || value === undefined) return null
  const type = metadata.type.name
  if (value instanceof Date) return timestampOf(value, type === 'Time')
  switch (type) {
    case 'TinyInt':
    case 'SmallInt':
    case 'Int':
    case 'BigInt':
    case 'IntN':
      return BigInt(value as number | string) // larger ones are returned as text
    case 'Real':
    case 'Float':
    case 'FloatN':
      return new Float(Number(value))
  }
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : new Float(value)
  return value as Value // text, bytes, booleans and timestamps
}

/** A time of day is in the year 1, as in Go's driver. */
function timestampOf(date: Date, isTimeOfDay: boolean): Timestamp {
  // The client adds the fraction of a millisecond, in seconds.
  const { nanosecondsDelta = 0 } = date as Date & { readonly nanosecondsDelta?: number }
  const nanos = BigInt(date.getTime()) * 1_000_000n + BigInt(Math.round(nanosecondsDelta * 1e9))
  return new Timestamp(isTimeOfDay ? nanos - NANOS_OF_1970_SINCE_YEAR_ONE : nanos, { name: 'UTC' })
}
