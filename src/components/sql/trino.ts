import { Buffer } from 'node:buffer'
import { messageOf } from '../../base/index.ts'
import {
  Float,
  isArray,
  isObject,
  JsonNumber,
  Timestamp,
  Uint64,
  type Value,
  type ValueObject,
} from '../../bloblang/index.ts'
import { ConfigError, type Resources } from '../../engine/index.ts'
import { unsupportedArgument } from './arguments.ts'
import {
  type ConnectionConfig,
  type InsertStatement,
  type Row,
  type SqlConnection,
  StatementError,
} from './connection.ts'
import { fieldOf, type JsonAnswer, JsonClient, textOf } from './json-client.ts'
import { postgresTime } from './postgres-time.ts'
import { insertQuery } from './queries.ts'
import { bytesOf, type Result, rowsOf } from './result.ts'
import { parseTrinoDsn, type TrinoDsn } from './trino-dsn.ts'

/** The server answers after a second even if a query still runs. */
const RESPONSE_TIMEOUT_MS = 60_000

const CANCEL_TIMEOUT_MS = 5000

/** Prepares a client for a configured DSN; connections are opened on demand. Throws `ConfigError`. */
export function openTrino(config: ConnectionConfig, resources: Resources): SqlConnection {
  const dsn = parseTrinoDsn(config.dsn)
  const ca = dsn.certificate || certificatesOf(dsn.certificatePath, resources.host)
  const tls = ca === '' ? {} : { tls: { rejectUnauthorized: true, ca } }
  return new TrinoConnection(new JsonClient(resources, { timeoutMs: RESPONSE_TIMEOUT_MS, ...tls }), dsn, resources.log)
}

function certificatesOf(path: string, { files }: Resources['host']): string {
  if (path === '') return ''
  try {
    return files.readFileSync(path).toString('utf8')
  } catch (error) {
    throw new ConfigError(`trino: Error loading SSL Cert File: ${messageOf(error)}`, { cause: error })
  }
}

/** Trino by its client protocol: a query is posted, and its result is fetched in pages. */
class TrinoConnection implements SqlConnection {
  readonly #client: JsonClient
  readonly #dsn: TrinoDsn
  readonly #log: Resources['log']
  readonly #running = new Set<Running>()

  constructor(client: JsonClient, dsn: TrinoDsn, log: Resources['log']) {
    this.#client = client
    this.#dsn = dsn
    this.#log = log
  }

  open(): void {
    // Requests connect on demand.
  }

  async verify(): Promise<void> {
    await this.run('SELECT 1', [])
  }

  async rows(query: string, args: readonly Value[]): Promise<readonly Row[]> {
    const rows: Row[] = []
    for await (const page of this.#pages(query, args)) rows.push(...rowsOf(page))
    return rows
  }

  async *chunks(query: string, args: readonly Value[]): AsyncGenerator<readonly Row[]> {
    for await (const page of this.#pages(query, args)) yield rowsOf(page)
  }

  async run(query: string, args: readonly Value[]): Promise<void> {
    // A statement ends when its last page has been fetched.
    for await (const _page of this.#pages(query, args));
  }

  /** Whether all rows or none are inserted depends on the connector of the catalog. */
  async insert(statement: InsertStatement, rows: readonly (readonly Value[])[]): Promise<void> {
    const widths = rows.map(row => row.length)
    await this.run(insertQuery(statement, 'question', widths), rows.flat())
  }

  async bytes(query: string, args: readonly Value[]): Promise<Uint8Array | undefined> {
    for await (const { rows } of this.#pages(query, args)) return bytesOf(rows[0]?.[0])
    return undefined
  }

  /** Statements in flight fail: their outcome is unknown. */
  async close(): Promise<void> {
    await Promise.all([...this.#running].map(query => this.#end(query)))
    await this.#client.close()
  }

  async *#pages(query: string, args: readonly Value[]): AsyncGenerator<Result> {
    const headers = this.#headers()
    const body = executable(query, args)
    const running: Running = { next: '' }
    this.#running.add(running)
    try {
      let answer = await this.#client.send({ method: 'POST', url: `${this.#dsn.url}/v1/statement`, headers, body })
      for (;;) {
        running.next = ''
        const { columns, data, nextUri } = pageOf(answer)
        running.next = nextUri
        if (data.length > 0) {
          yield { columns: columns.map(({ name }) => name), rows: data.map(row => valuesOf(row, columns)) }
        }
        if (nextUri === '') return
        answer = await this.#client.send({ method: 'GET', url: nextUri, headers })
      }
    } finally {
      await this.#end(running)
    }
  }

  /** Cancels a query whose result is not read to its end, which would otherwise wait for that on the server. */
  async #end(query: Running): Promise<void> {
    const { next } = query
    if (!this.#running.delete(query) || next === '') return
    try {
      const headers = this.#headers()
      await this.#client.send({ method: 'DELETE', url: next, headers, timeoutMs: CANCEL_TIMEOUT_MS })
    } catch (error) {
      // The server cancels it by itself after some minutes.
      this.#log.debug(`Failed to cancel a query: ${messageOf(error)}`)
    }
  }

  #headers(): Readonly<Record<string, string>> {
    const { user, password, accessToken, headers } = this.#dsn
    const login = Buffer.from(`${user}:${password}`).toString('base64')
    return {
      ...headers,
      ...(user === '' ? {} : { 'X-Trino-User': user }),
      ...(password === '' ? {} : { Authorization: `Basic ${login}` }),
      ...(accessToken === '' ? {} : { Authorization: `Bearer ${accessToken}` }),
    }
  }
}

/** A query that is not at its end, with the address of its next page. */
interface Running {
  next: string
}

interface Column {
  readonly name: string
  readonly type: string
}

interface Page {
  readonly columns: readonly Column[]
  readonly data: readonly Value[]
  readonly nextUri: string
}

/** Throws `StatementError` if the query failed, worded like Go's driver. */
function pageOf({ status, statusText, value }: JsonAnswer): Page {
  const failed = (reason: string, code: string) =>
    new StatementError(`trino: query failed (${status} ${statusText}): ${JSON.stringify(reason)}`, code)
  const error = fieldOf(value, 'error')
  if (error !== undefined && isObject(error)) {
    const kind = textOf(fieldOf(error, 'failureInfo'), 'type') || textOf(error, 'errorName')
    throw failed(`${kind}: ${textOf(error, 'message')}`, textOf(error, 'errorName'))
  }
  if (status !== 200) throw failed(textOf(value, 'message'), '')
  const columns = listOf(value, 'columns').map(column => ({
    name: textOf(column, 'name'),
    type: textOf(column, 'type'),
  }))
  return { columns, data: listOf(value, 'data'), nextUri: textOf(value, 'nextUri') }
}

function listOf(object: ValueObject, name: string): readonly Value[] {
  const value = object[name]
  return value !== undefined && isArray(value) ? value : []
}

/** A statement with its arguments as literals. */
function executable(query: string, args: readonly Value[]): string {
  if (args.length === 0) return query
  return `EXECUTE IMMEDIATE ${quoted(query)} USING ${args.map(literal).join(', ')}`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

function literal(value: Value, index: number): string {
  if (value === null) return 'NULL'
  if (typeof value === 'string') return quoted(value)
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return numberLiteral(String(value))
  if (value instanceof Float) return doubleLiteral(value.value)
  if (value instanceof Uint64) return `DECIMAL '${value.value}'`
  if (value instanceof JsonNumber) return numberLiteral(value.text)
  if (value instanceof Uint8Array) return `X'${Buffer.from(value).toString('hex')}'`
  if (value instanceof Timestamp) return `TIMESTAMP '${timeText(value)} UTC'`
  if (isArray(value)) return `ARRAY[${value.map(literal).join(', ')}]`
  throw unsupportedArgument(value, index)
}

/** The digits of a document's number; with a point they are a `decimal`, which Trino converts to any number. */
function numberLiteral(text: string): string {
  return /^-?\d+(?:\.\d+)?$/.test(text) ? text : doubleLiteral(Number(text))
}

function doubleLiteral(value: number): string {
  if (Number.isNaN(value)) return 'nan()'
  if (!Number.isFinite(value)) return value > 0 ? 'infinity()' : '-infinity()'
  const text = String(value)
  return text.includes('e') ? text.replace('e+', 'E').replace('e', 'E') : `${text}E0`
}

function timeText({ unixNanos }: Timestamp): string {
  const millis = new Date(Number((unixNanos - (((unixNanos % 1_000_000n) + 1_000_000n) % 1_000_000n)) / 1_000_000n))
  const nanos = String((((unixNanos % 1_000_000n) + 1_000_000n) % 1_000_000n) + 1_000_000n).slice(1)
  return `${millis.toISOString().slice(0, -1).replace('T', ' ')}${nanos}`
}

function valuesOf(row: Value, columns: readonly Column[]): Value[] {
  return isArray(row) ? row.map((value, at) => valueOf(value, columns[at]?.type ?? '')) : []
}

/** Converts a value to what the original gets from Go's driver: maps, arrays and rows stay as they are sent. */
function valueOf(value: Value, type: string): Value {
  if (value === null) return null
  switch (type.replace(/\(.*?\)/, '')) {
    case 'tinyint':
    case 'smallint':
    case 'integer':
    case 'bigint':
      return BigInt(value instanceof JsonNumber ? value.text : String(value))
    case 'real':
    case 'double':
      return new Float(Number(value instanceof JsonNumber ? value.text : String(value)))
    case 'date':
    case 'time':
    case 'time with time zone':
    case 'timestamp':
    case 'timestamp with time zone':
      return timeOf(String(value))
    default:
      return value
  }
}

/** Parses `2024-01-02 03:04:05.678`, also with `UTC`, `Europe/Berlin` or `+01:00`, which is kept. */
function timeOf(text: string): Value {
  const [, local = text, zone = ''] = /^(.*?\d)(?: ([A-Za-z][\w/+-]*))$/.exec(text) ?? []
  const plain = zone === '' ? text : local
  const time = postgresTime(plain.replace(/ ([+-]\d\d:\d\d)$/, '$1'))
  if (time === undefined) return text
  if (zone === '' || zone === 'UTC') return time
  return inZone(time, zone)
}

/** The instant at which clocks in a zone show the time that a timestamp shows in UTC. */
function inZone({ unixNanos }: Timestamp, zone: string): Timestamp {
  const shown = Number(unixNanos / 1_000_000n)
  const offsetAt = (instant: number) => offsetOf(instant, zone)
  // The offset at the shown time is right except near a change of the clocks, where the second look corrects it.
  const offsetMs = offsetAt(shown - offsetAt(shown))
  return new Timestamp(unixNanos - BigInt(offsetMs) * 1_000_000n, { name: zone })
}

/** The offset of a zone in milliseconds. */
function offsetOf(instant: number, zone: string): number {
  const format = new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'longOffset' })
  const name = format.formatToParts(instant).find(({ type }) => type === 'timeZoneName')?.value ?? ''
  const [, sign = '+', hours = '0', minutes = '0'] = /GMT([+-])(\d+):(\d+)/.exec(name) ?? []
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000
}
