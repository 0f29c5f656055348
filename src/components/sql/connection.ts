import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import { Float, isObject, JsonNumber, type Mapping, Timestamp, Uint64, type Value } from '../../bloblang/index.ts'
import {
  type Databases,
  ConfigError,
  Field,
  type FieldMap,
  field,
  type Infer,
  type Message,
  type Need,
  type Resources,
} from '../../engine/index.ts'

const DRIVERS = {
  mysql: '',
  postgres: '',
  clickhouse: '',
  mssql: '',
  sqlite: 'Runs in this process: `file:foo.db`, or `:memory:`.',
  oracle: '',
  snowflake: '',
  trino: '',
  gocosmos: '',
  spanner: '',
  duckdb: '',
}

export const driverFields = {
  driver: field
    .string('The kind of database. Here only `sqlite` runs.')
    .options(DRIVERS, false)
    .unsupported(driverRefusal),
  dsn: field.string('Where the database is.').examples('file:data.db?_pragma=busy_timeout(5000)', ':memory:'),
} as const

/** The fields of a component that has a driver and a DSN, which together say what it reaches. */
export function databaseConfig<const F extends FieldMap>(fields: F): Field<Infer<F>> {
  return field.object(fields).needsWhen(['database_files', 'network'], value => needsOfDatabase(value as DriverConfig))
}

type DriverConfig = { readonly driver?: string; readonly dsn?: string }

function needsOfDatabase({ driver = '', dsn = '' }: DriverConfig): readonly Need[] {
  if (driver !== 'sqlite' && driver !== 'duckdb') return [{ capability: 'network' }]
  const { path } = parseDsn(dsn)
  return path === ':memory:' ? [] : [{ capability: 'database_files', target: path, field: 'dsn' }]
}

/** What all components of this folder say about their connection. */
export const connectionFields = {
  init_files: field
    .string('Files with statements that run when the database is opened.')
    .needs('files')
    .list()
    .optional()
    .advanced()
    .examples(['./init/*.sql']),
  init_statement: field.string('Statements that run when the database is opened.').optional().advanced(),
  init_verify_conn: field.bool('Whether a database that does not answer stops the start.').default(false).advanced(),
  conn_max_idle_time: field.string('Has no meaning for `sqlite`.').optional().advanced(),
  conn_max_life_time: field.string('Has no meaning for `sqlite`.').optional().advanced(),
  conn_max_idle: field.int('Has no meaning for `sqlite`.').default(2).advanced(),
  conn_max_open: field.int('Has no meaning for `sqlite`.').optional().advanced(),
  secret_name: field.string('Has no meaning for `sqlite`.').optional().advanced(),
  iam_enabled: field.bool('Has no meaning for `sqlite`.').default(false).advanced(),
  azure: field
    .object({
      entra_enabled: field.bool('Has no meaning for `sqlite`.').default(false).advanced(),
      token_request_options: field
        .object({
          claims: field.string('').default('').advanced(),
          enable_cae: field.bool('').default(false).advanced(),
          scopes: field.string('').list().default(['https://ossrdbms-aad.database.windows.net/.default']).advanced(),
          tenant_id: field.string('').default('').advanced(),
        })
        .optional()
        .advanced(),
    })
    .optional()
    .advanced(),
  region: field.string('Has no meaning for `sqlite`.').default('').advanced(),
  endpoint: field.string('Has no meaning for `sqlite`.').default('').advanced(),
  credentials: field
    .object({
      profile: field.string('').default('').advanced(),
      id: field.string('').default('').advanced(),
      secret: field.string('').default('').advanced().secret(),
      token: field.string('').default('').advanced(),
      from_ec2_role: field.bool('').default(false).advanced(),
      role: field.string('').default('').advanced(),
      role_external_id: field.string('').default('').advanced(),
      expiry_window: field.string('').default('').advanced(),
    })
    .optional()
    .advanced(),
} as const

export const argsField: Field<Mapping | null> = field
  .mapping('A mapping to the list of values that stand for the `?` of the query.')
  .examples('root = [ this.cat.meow, this.doc.woofs[0] ]')

interface Config {
  readonly driver: string
  readonly dsn: string
  readonly init_files?: readonly string[] | undefined
  readonly init_statement?: string | undefined
}

/** A row, by the names of its columns. */
export type Row = Readonly<Record<string, Value>>

/** An open database. Statements are short and run at once; errors read as those of the original. */
export class Connection {
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, ReturnType<DatabaseSync['prepare']>>()
  readonly #release: () => void

  constructor(database: DatabaseSync, release: () => void) {
    this.#database = database
    this.#release = release
  }

  rows(query: string, args: readonly Value[]): readonly Row[] {
    return translated(() => (this.#prepare(query).all(...args.map(argument)) as Record<string, unknown>[]).map(rowOf))
  }

  /** Rows whose blobs stay bytes. */
  blobs(query: string, args: readonly Value[]): readonly Row[] {
    return translated(() => this.#prepare(query).all(...args.map(argument)) as Record<string, Value>[])
  }

  /** The rows one by one. */
  *iterate(query: string, args: readonly Value[]): Generator<Row> {
    const iterator = translated(() => this.#prepare(query).iterate(...args.map(argument)))
    for (;;) {
      const step = translated(() => iterator.next())
      if (step.done === true) return
      yield rowOf(step.value as Record<string, unknown>)
    }
  }

  run(query: string, args: readonly Value[]): void {
    translated(() => this.#prepare(query).run(...args.map(argument)))
  }

  /** Several statements without arguments. */
  script(text: string): void {
    translated(() => this.#database.exec(text))
  }

  /** Everything that `work` does, or nothing. */
  together(work: () => void): void {
    this.script('BEGIN IMMEDIATE')
    try {
      work()
      this.script('COMMIT')
    } catch (error) {
      if (this.#database.isTransaction) this.script('ROLLBACK')
      throw error
    }
  }

  close(): void {
    this.#statements.clear()
    this.#release()
  }

  #prepare(query: string): ReturnType<DatabaseSync['prepare']> {
    let statement = this.#statements.get(query)
    if (statement === undefined) {
      statement = this.#database.prepare(query)
      statement.setReadBigInts(true)
      // Queries that are made from messages are many: they are not kept.
      if (this.#statements.size >= 64) this.#statements.clear()
      this.#statements.set(query, statement)
    }
    return statement
  }
}

interface Shared {
  readonly database: DatabaseSync
  users: number
}

/** Throws `ConfigError` for a kind of database that this build cannot reach. */
export function checkDriver({ driver }: Pick<Config, 'driver'>): void {
  const refusal = driverRefusal(driver)
  if (refusal !== undefined) throw new ConfigError(refusal)
  if (driver !== 'sqlite') throw new ConfigError(`unknown SQL driver '${driver}'`)
}

function driverRefusal(driver: unknown): string | undefined {
  const isKnown = typeof driver === 'string' && Object.hasOwn(DRIVERS, driver)
  return isKnown && driver !== 'sqlite'
    ? `SQL driver '${driver}' is known but not supported by Penstock yet`
    : undefined
}

/**
 * Opens the database of a configuration and runs its first statements. Components of a stream that name the same one share it,
 * so that none waits for another's lock. Throws `ConfigError`.
 */
export function connect(config: Config, { log, shared, host }: Resources): Connection {
  checkDriver(config)
  const key = `sqlite ${config.dsn}`
  let entry = shared.get(key) as Shared | undefined
  if (entry === undefined) {
    entry = { database: openDatabase(host.databases, config.dsn), users: 0 }
    shared.set(key, entry)
  }
  const { database } = entry
  const opened = entry
  opened.users++
  const connection = new Connection(database, () => {
    opened.users--
    if (opened.users > 0) return
    shared.delete(key)
    database.close()
  })
  const scripts = (config.init_files ?? []).flatMap(pattern =>
    host.files.glob(pattern).map(path => [`init_file '${path}'`, host.files.readFileSync(path).toString('utf8')]),
  )
  if (config.init_statement !== undefined) scripts.push(['init_statement', config.init_statement])
  for (const [what, text] of scripts) {
    try {
      connection.script(text!)
    } catch (error) {
      log.warn(`Failed to execute ${what}: ${(error as Error).message}`)
    }
  }
  return connection
}

function openDatabase(databases: Databases, dsn: string): DatabaseSync {
  const { path, parameters } = parseDsn(dsn)
  try {
    const database = databases.open(path, { readOnly: parameters.get('mode') === 'ro', timeoutMs: 5000 })
    for (const pragma of parameters.getAll('_pragma')) database.exec(`PRAGMA ${pragma}`)
    return database
  } catch (error) {
    throw new ConfigError(`failed to open database: ${(error as Error).message}`, { cause: error })
  }
}

/** A file name, or `file:name?_pragma=busy_timeout(5000)&mode=memory`. */
function parseDsn(dsn: string): { readonly path: string; readonly parameters: URLSearchParams } {
  const [, name = '', query = ''] = /^(?:file:)?([^?]*)\??(.*)$/s.exec(dsn) ?? []
  const parameters = new URLSearchParams(query)
  const isMemory = name === '' || name === ':memory:' || parameters.get('mode') === 'memory'
  return { path: isMemory ? ':memory:' : name, parameters }
}

/** The arguments of a query for a message. Throws an `Error` where they are no list. */
export function argumentsOf(
  mapping: Mapping | null | undefined,
  view: readonly Message[],
  index: number,
): readonly Value[] {
  if (mapping === null || mapping === undefined) return []
  const result = mapping.run(view, index)
  if (Array.isArray(result)) return result as readonly Value[]
  const name = isObject(result) ? 'map[string]interface {}' : typeof result
  throw new Error(`mapping returned non-array result: ${name}`)
}

function argument(value: Value): SQLInputValue {
  if (value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint')
    return value
  if (value instanceof Uint8Array) return value
  if (typeof value === 'boolean') return value ? 1 : 0
  if (value instanceof Float || value instanceof Uint64) return value.value
  if (value instanceof JsonNumber) return /^-?\d+$/.test(value.text) ? BigInt(value.text) : Number(value.text)
  if (value instanceof Timestamp) return new Date(Number(value.unixNanos / 1_000_000n)).toISOString()
  throw new Error(
    `unsupported type ${Array.isArray(value) ? '[]interface {}, a slice of interface' : 'map[string]interface {}, a map'}`,
  )
}

function rowOf(row: Record<string, unknown>): Row {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      if (typeof value === 'number') return [name, new Float(value)]
      if (value instanceof Uint8Array) return [name, Buffer.from(value).toString('utf8')]
      return [name, value as Value]
    }),
  )
}

/** Runs something and puts its failure in the original's words. */
function translated<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    const { errcode, errstr, message } = error as { errcode?: number; errstr?: string; message: string }
    if (errcode === undefined || errstr === undefined) throw error
    throw new Error(errstr === message ? `${errstr} (${errcode})` : `${errstr}: ${message} (${errcode})`, {
      cause: error,
    })
  }
}
