import { Buffer } from 'node:buffer'
import { createHash, createPublicKey, randomUUID, sign } from 'node:crypto'
import type { Clock } from '../../base/index.ts'
import {
  Float,
  isArray,
  isObject,
  JsonNumber,
  printJson,
  Timestamp,
  Uint64,
  type Value,
  type ValueObject,
} from '../../bloblang/index.ts'
import type { Resources } from '../../engine/index.ts'
import {
  type ConnectionConfig,
  type InsertStatement,
  type Row,
  type SqlConnection,
  StatementError,
} from './connection.ts'
import { fieldOf, type JsonAnswer, JsonClient, textOf } from './json-client.ts'
import { insertQuery } from './queries.ts'
import { bytesOf, type Result, rowsOf } from './result.ts'
import { parseSnowflakeDsn, type SnowflakeDsn } from './snowflake-dsn.ts'

/** The server answers after 45 seconds even if a statement still runs. */
const RESPONSE_TIMEOUT_MS = 120_000
/** Pauses between the questions whether a statement has ended grow up to this. */
const MAX_POLL_PAUSE_MS = 5000
const TOKEN_LIFE_SECONDS = 3540
/** Status of a statement that still runs. */
const RUNNING = 202
const OK = 200

/** Prepares a client for a configured DSN; connections are opened on demand. Throws `ConfigError`. */
export function openSnowflake(config: ConnectionConfig, resources: Resources): SqlConnection {
  const dsn = parseSnowflakeDsn(config.dsn)
  if (dsn.ineffective.length > 0) {
    resources.log.warn(`These parameters of the DSN have no effect: ${dsn.ineffective.join(', ')}`)
  }
  return new SnowflakeConnection(new JsonClient(resources, { timeoutMs: RESPONSE_TIMEOUT_MS }), dsn, resources.clock)
}

/** Snowflake by its SQL API, in which every statement is a request of its own. */
class SnowflakeConnection implements SqlConnection {
  readonly #client: JsonClient
  readonly #dsn: SnowflakeDsn
  readonly #clock: Clock
  #token = { text: '', expiresAtSeconds: 0 }

  constructor(client: JsonClient, dsn: SnowflakeDsn, clock: Clock) {
    this.#client = client
    this.#dsn = dsn
    this.#clock = clock
  }

  open(): void {
    // Requests connect on demand.
  }

  async verify(): Promise<void> {
    await this.run('SELECT 1', [])
  }

  async rows(query: string, args: readonly Value[]): Promise<readonly Row[]> {
    const rows: Row[] = []
    for await (const part of this.#parts(query, args)) rows.push(...rowsOf(part))
    return rows
  }

  async *chunks(query: string, args: readonly Value[]): AsyncGenerator<readonly Row[]> {
    for await (const part of this.#parts(query, args)) yield rowsOf(part)
  }

  async run(query: string, args: readonly Value[]): Promise<void> {
    await this.#execute(query, args)
  }

  async insert(statement: InsertStatement, rows: readonly (readonly Value[])[]): Promise<void> {
    const widths = rows.map(row => row.length)
    await this.run(insertQuery(statement, 'question', widths), rows.flat())
  }

  async bytes(query: string, args: readonly Value[]): Promise<Uint8Array | undefined> {
    for await (const { rows } of this.#parts(query, args)) return bytesOf(rows[0]?.[0])
    return undefined
  }

  /** Statements in flight fail: their outcome is unknown. */
  async close(): Promise<void> {
    await this.#client.close()
  }

  /** The partitions of a result, each of which is requested when the caller wants it. */
  async *#parts(query: string, args: readonly Value[]): AsyncGenerator<Result> {
    const first = await this.#execute(query, args)
    const meta = fieldOf(first, 'resultSetMetaData')
    const types = listOf(fieldOf(meta, 'rowType'))
    const columns = types.map(type => textOf(type, 'name'))
    const resultOf = (answer: ValueObject): Result => ({
      columns,
      rows: listOf(fieldOf(answer, 'data')).map(row => listOf(row).map((value, at) => valueOf(value, types[at]))),
    })
    yield resultOf(first)
    const count = listOf(fieldOf(meta, 'partitionInfo')).length
    for (let partition = 1; partition < count; partition++) {
      yield resultOf(await this.#get(textOf(first, 'statementHandle'), `?partition=${partition}`))
    }
  }

  async #execute(query: string, args: readonly Value[]): Promise<ValueObject> {
    const { url, database, schema, warehouse, role, statementTimeoutSeconds, parameters } = this.#dsn
    const given = { database, schema, warehouse, role }
    const body = printJson({
      statement: query,
      ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== '')),
      ...(statementTimeoutSeconds === 0 ? {} : { timeout: statementTimeoutSeconds }),
      ...(args.length === 0 ? {} : { bindings: bindingsOf(args) }),
      ...(Object.keys(parameters).length === 0 ? {} : { parameters }),
    })
    // A request that is sent again with the same id does not run the statement again.
    const target = `${url}/api/v2/statements?requestId=${randomUUID()}&retry=true`
    const answer = await this.#client.send({ method: 'POST', url: target, headers: this.#headers(), body })
    return this.#finished(answer)
  }

  /** Waits until a statement has ended. */
  async #finished(started: JsonAnswer): Promise<ValueObject> {
    let answer = started
    for (let pauseMs = 100; answer.status === RUNNING; pauseMs = Math.min(pauseMs * 2, MAX_POLL_PAUSE_MS)) {
      await this.#clock.sleep(pauseMs, this.#client.signal)
      answer = await this.#ask(textOf(answer.value, 'statementHandle'), '')
    }
    if (answer.status === OK) return answer.value
    throw errorOf(answer)
  }

  async #get(handle: string, query: string): Promise<ValueObject> {
    const answer = await this.#ask(handle, query)
    if (answer.status === OK) return answer.value
    throw errorOf(answer)
  }

  #ask(handle: string, query: string): Promise<JsonAnswer> {
    const url = `${this.#dsn.url}/api/v2/statements/${encodeURIComponent(handle)}${query}`
    return this.#client.send({ method: 'GET', url, headers: this.#headers() })
  }

  #headers(): Readonly<Record<string, string>> {
    const { login } = this.#dsn
    return {
      'Content-Type': 'application/json',
      Accept: 'application/json',
      Authorization: `Bearer ${login.kind === 'token' ? login.token : this.#signedToken()}`,
      'X-Snowflake-Authorization-Token-Type': login.kind === 'token' ? login.type : 'KEYPAIR_JWT',
    }
  }

  #signedToken(): string {
    const now = Math.floor(this.#clock.now() / 1000)
    if (now < this.#token.expiresAtSeconds - 60) return this.#token.text
    this.#token = { text: tokenOf(this.#dsn, now), expiresAtSeconds: now + TOKEN_LIFE_SECONDS }
    return this.#token.text
  }
}

/** A token signed with the user's key, as the documentation of Snowflake's key-pair authentication says. */
function tokenOf({ account, user, login }: SnowflakeDsn, now: number): string {
  if (login.kind !== 'key') return login.token
  const { key } = login
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' })
  const fingerprint = createHash('sha256').update(publicKey).digest('base64')
  const subject = `${account.split('.')[0]!}.${user}`.toUpperCase()
  const claims = { iss: `${subject}.SHA256:${fingerprint}`, sub: subject, iat: now, exp: now + TOKEN_LIFE_SECONDS }
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const text = `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}`
  return `${text}.${sign('RSA-SHA256', Buffer.from(text), key).toString('base64url')}`
}

/** An error of Snowflake, worded like Go's driver: `002003 (42S02): SQL compilation error: …`. */
function errorOf({ status, statusText, value }: JsonAnswer): Error {
  const [code, state, message] = ['code', 'sqlState', 'message'].map(name => textOf(value, name))
  const text = message || `${status} ${statusText}`
  // Refused sign-ins and the like say nothing about the statement.
  if (status === 401 || status === 403) return new Error(`${code}: ${text}`)
  return new StatementError(state ? `${code} (${state}): ${text}` : `${code}: ${text}`, code!)
}

function listOf(value: Value | undefined): readonly Value[] {
  return value !== undefined && isArray(value) ? value : []
}

function bindingsOf(args: readonly Value[]): ValueObject {
  return Object.fromEntries(args.map((value, index) => [String(index + 1), bindingOf(value)]))
}

function bindingOf(value: Value): ValueObject {
  const bound = (type: string, text: string | null) => ({ type, value: text })
  if (value === null) return bound('TEXT', null)
  if (typeof value === 'string') return bound('TEXT', value)
  if (typeof value === 'boolean') return bound('BOOLEAN', String(value))
  if (typeof value === 'bigint') return bound('FIXED', String(value))
  if (typeof value === 'number') return bound(Number.isInteger(value) ? 'FIXED' : 'REAL', String(value))
  if (value instanceof Float) return bound('REAL', String(value.value))
  if (value instanceof Uint64) return bound('FIXED', String(value.value))
  // Text is converted to the type of the column, with all its digits.
  if (value instanceof JsonNumber) return bound('TEXT', value.text)
  if (value instanceof Uint8Array) return bound('BINARY', Buffer.from(value).toString('hex'))
  if (value instanceof Timestamp) return bound('TIMESTAMP_TZ', `${value.unixNanos} 1440`)
  // Semi-structured columns take JSON text by `PARSE_JSON(?)`.
  return bound('TEXT', printJson(value))
}

/** Converts a value to what the original gets from Go's driver; the SQL API returns every value as text. */
function valueOf(value: Value, type: Value | undefined): Value {
  if (typeof value !== 'string') return isArray(value) || isObject(value) ? printJson(value) : value
  switch (textOf(type, 'type').toLowerCase()) {
    case 'boolean':
      return value === 'true' || value === '1'
    case 'real':
      return new Float(Number(value.replace('inf', 'Infinity')))
    case 'binary':
      return Buffer.from(value, 'hex')
    case 'date':
      return new Timestamp(BigInt(value) * 86_400_000_000_000n, { name: 'UTC' })
    case 'time':
      // A time of day is in the year 1, as in Go's driver.
      return new Timestamp(nanosOf(value) - 62_135_596_800_000_000_000n, { name: 'UTC' })
    case 'timestamp_ntz':
    case 'timestamp_ltz':
      return new Timestamp(nanosOf(value), { name: 'UTC' })
    case 'timestamp_tz': {
      const [time = '', minutes = '1440'] = value.split(' ')
      const offsetSeconds = (Number(minutes) - 1440) * 60
      return new Timestamp(nanosOf(time), offsetSeconds === 0 ? { name: 'UTC' } : { name: '', offsetSeconds })
    }
    default:
      // Numbers are text, as in Go's driver.
      return value
  }
}

/** Nanoseconds of a number of seconds such as `-1.500000000`. */
function nanosOf(seconds: string): bigint {
  const [, minus = '', whole = '0', fraction = ''] = /^(-?)(\d+)(?:\.(\d+))?$/.exec(seconds) ?? []
  const nanos = BigInt(whole) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0').slice(0, 9))
  return minus === '' ? nanos : -nanos
}
