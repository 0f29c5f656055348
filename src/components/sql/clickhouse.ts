import { Buffer } from 'node:buffer'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { isArray, parseBody, type Value } from '../../bloblang/index.ts'
import { HttpTransport, type HttpResponse, NotConnectedError, type Resources } from '../../engine/index.ts'
import { messageOf } from '../../base/index.ts'
import {
  type ConnectionConfig,
  type InsertStatement,
  type Row,
  type SqlConnection,
  StatementError,
  unreachableError,
} from './connection.ts'
import { type ClickhouseDsn, parseClickhouseDsn } from './clickhouse-dsn.ts'
import { converterOf, lineOf, withLiterals } from './clickhouse-values.ts'
import { bytesOf, rowsOf } from './result.ts'

/** Rows handed on together. */
const CHUNK_ROWS = 512
/** Attempts at a statement whose connection breaks, as in Go's `database/sql`. */
const MAX_ATTEMPTS = 3
const FORMAT = 'JSONCompactEachRowWithNamesAndTypes'

/** Prepares a client for a configured DSN; connections are opened on demand. Throws `ConfigError`. */
export function openClickhouse(config: ConnectionConfig, resources: Resources): SqlConnection {
  const dsn = parseClickhouseDsn(config.dsn)
  if (dsn.ineffective.length > 0) {
    resources.log.warn(`These parameters of the DSN have no effect: ${dsn.ineffective.join(', ')}`)
  }
  const { network } = resources.host
  const transport = new HttpTransport({
    environment: network.proxyVariables,
    sockets: network,
    connectTimeoutMs: dsn.connectTimeoutMs,
    ...(dsn.isSecure ? { tls: { rejectUnauthorized: dsn.verifies } } : {}),
  })
  return new ClickhouseConnection(transport, dsn)
}

/** ClickHouse by its HTTP interface. Every statement is a request of its own. */
class ClickhouseConnection implements SqlConnection {
  readonly #transport: HttpTransport
  readonly #dsn: ClickhouseDsn
  readonly #closing = new AbortController()

  constructor(transport: HttpTransport, dsn: ClickhouseDsn) {
    this.#transport = transport
    this.#dsn = dsn
  }

  open(): void {
    // Requests connect on demand.
  }

  async verify(): Promise<void> {
    await this.run('SELECT 1', [])
  }

  async rows(query: string, args: readonly Value[]): Promise<readonly Row[]> {
    const rows: Row[] = []
    for await (const chunk of this.chunks(query, args)) rows.push(...chunk)
    return rows
  }

  async *chunks(query: string, args: readonly Value[]): AsyncGenerator<readonly Row[]> {
    for await (const part of this.#parts(query, args)) yield rowsOf(part)
  }

  async run(query: string, args: readonly Value[]): Promise<void> {
    await consumed(await this.#send({ wait_end_of_query: '1' }, Buffer.from(withLiterals(query, args))))
  }

  /** ClickHouse inserts the rows of a request as one block, up to a million rows into one partition. */
  async insert(statement: InsertStatement, rows: readonly (readonly Value[])[]): Promise<void> {
    const { prefix = '', suffix = '', table, columns } = statement
    const head = [prefix, `INSERT INTO ${table} (${columns.join(',')})`, suffix, 'FORMAT JSONCompactEachRow']
    const query = head.filter(part => part !== '').join(' ')
    const parameters = { query, wait_end_of_query: '1', date_time_input_format: 'best_effort' }
    await consumed(await this.#send(parameters, Buffer.concat(rows.map(lineOf))))
  }

  async bytes(query: string, args: readonly Value[]): Promise<Uint8Array | undefined> {
    for await (const { rows } of this.#parts(query, args)) return bytesOf(rows[0]?.[0])
    return undefined
  }

  /** Statements in flight fail: their outcome is unknown. */
  async close(): Promise<void> {
    this.#closing.abort()
    await this.#transport.close()
  }

  async *#parts(query: string, args: readonly Value[]) {
    const parameters = {
      default_format: FORMAT,
      date_time_output_format: 'iso',
      output_format_json_quote_64bit_integers: '0',
      output_format_json_quote_denormals: '1',
    }
    const { headers, body } = await this.#send(parameters, Buffer.from(withLiterals(query, args)))
    const zone = String(headers['x-clickhouse-timezone'] ?? 'UTC')
    const lines = arrays(body)
    const columns = ((await lines.next()).value ?? []).map(String)
    const types = ((await lines.next()).value ?? []).map(type => converterOf(String(type), zone))
    let rows: Value[][] = []
    for await (const row of lines) {
      if (rows.push(row.map((value, at) => types[at]!(value))) < CHUNK_ROWS) continue
      yield { columns, rows }
      rows = []
    }
    if (rows.length > 0) yield { columns, rows }
  }

  /** Sends a statement to the first server that can be reached. Rejects with `StatementError` if it refuses. */
  async #send(parameters: Readonly<Record<string, string>>, body: Uint8Array): Promise<HttpResponse> {
    const { hosts } = this.#dsn
    for (let attempt = 1, at = 0; ; ) {
      try {
        return await this.#request(hosts[at]!, parameters, body)
      } catch (error) {
        if (error instanceof StatementError) throw error
        const isUnreachable = messageOf(error).startsWith('dial tcp')
        if (isUnreachable && ++at < hosts.length) continue
        if (!isUnreachable && attempt++ < MAX_ATTEMPTS && !this.#closing.signal.aborted) continue
        // Not a `NotConnectedError`: there is no connection that could be made first, and messages are rejected.
        throw unreachableError(error, hosts[Math.min(at, hosts.length - 1)]!)
      }
    }
  }

  async #request(host: string, parameters: Readonly<Record<string, string>>, body: Uint8Array): Promise<HttpResponse> {
    const { isSecure, path, user, password, database, settings, readTimeoutMs } = this.#dsn
    const search = new URLSearchParams({
      ...settings,
      ...(database === '' ? {} : { database }),
      ...parameters,
    })
    const url = `${isSecure ? 'https' : 'http'}://${host}${path || '/'}?${search.toString()}`
    const response = await this.#transport.request(url, {
      method: 'POST',
      headers: { 'X-ClickHouse-User': user, 'X-ClickHouse-Key': password, 'Content-Type': 'text/plain' },
      body,
      timeoutMs: readTimeoutMs,
      signal: this.#closing.signal,
    })
    if (response.statusCode === 200) return response
    throw statementError(await text(response.body), response.statusCode)
  }
}

async function consumed({ body }: HttpResponse): Promise<void> {
  const answer = await text(body)
  if (EXCEPTION.test(answer)) throw statementError(answer, 200)
}

/** The lines of a response, each a JSON array. An error in the middle of a result is a line of its own. */
async function* arrays(body: Readable): AsyncGenerator<readonly Value[], undefined> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of whole(body)) {
    rest = Buffer.concat([rest, chunk])
    for (let end = rest.indexOf(10); end !== -1; end = rest.indexOf(10)) {
      const line = rest.subarray(0, end)
      rest = rest.subarray(end + 1)
      if (line.length > 0) yield arrayOf(line, rest)
    }
  }
  if (rest.length > 0) yield arrayOf(rest, Buffer.alloc(0))
  return undefined
}

/** The chunks of a body; a broken connection is a `NotConnectedError`. */
async function* whole(body: Readable): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of body) yield chunk as Buffer // a response is read as bytes
  } catch (error) {
    throw new NotConnectedError(error)
  }
}

function arrayOf(line: Buffer, after: Buffer): readonly Value[] {
  if (line[0] === 0x5b) {
    const value = parseBody(line)
    if (isArray(value)) return value
  }
  throw statementError(Buffer.concat([line, after]).toString(), 200)
}

const EXCEPTION = /Code: (\d+)\. DB::Exception: /

/** An error of ClickHouse, worded like Go's driver: `code: 60, message: Table default.t does not exist`. */
function statementError(answer: string, status: number): StatementError {
  const match = EXCEPTION.exec(answer)
  if (match === null) return new StatementError(`[HTTP ${status}] response body: "${answer.trim().slice(0, 1000)}"`, '')
  const message = answer.slice(match.index + match[0].length).trim()
  const plain = message.replace(/(?: \([A-Z_]+\))?(?: \(version [^)]*(?:\([^)]*\))?\))?\s*$/, '')
  return new StatementError(`code: ${match[1]}, message: ${plain}`, match[1]!)
}
