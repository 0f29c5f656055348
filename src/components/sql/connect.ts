import { messageOf } from '../../base/index.ts'
import type { Value } from '../../bloblang/index.ts'
import { ConfigError, type MaybePromise, type Resources } from '../../engine/index.ts'
import {
  type ConnectionConfig,
  firstStatements,
  type InsertStatement,
  type Row,
  type SqlConnection,
  StatementError,
} from './connection.ts'
import { isDriver, type NetworkDriver, refusalOfDriver, refusalOfLogin } from './drivers.ts'
import { openSqlite } from './sqlite.ts'

/** Throws `ConfigError` for a driver that this build does not support. */
export function checkDriver({ driver }: Pick<ConnectionConfig, 'driver'>): void {
  const refusal = refusalOfDriver(driver)
  if (refusal !== undefined) throw new ConfigError(refusal)
  if (!isDriver(driver)) throw new ConfigError(`unknown SQL driver '${driver}'`)
}

/**
 * Opens the configured database. Its initial statements run immediately with SQLite, otherwise on the first connection.
 * Throws `ConfigError` if the driver or the DSN is invalid.
 */
export function connect(config: ConnectionConfig, resources: Resources): SqlConnection {
  checkDriver(config)
  const refusal = refusalOfLogin(config, config.driver)
  if (refusal !== undefined) throw new ConfigError(refusal)
  if (config.driver !== 'sqlite') return new LazyConnection(config, firstStatements(config, resources), resources)
  try {
    return openSqlite(config, resources)
  } catch (error) {
    // As in the original, messages are rejected until the file can be opened.
    if (error instanceof StatementError) return new LazyConnection(config, [], resources)
    throw error
  }
}

/** Like {@link connect}, and verifies that the database responds if `init_verify_conn` is set. Throws `ConfigError`. */
export function connectVerified(config: ConnectionConfig, resources: Resources): MaybePromise<SqlConnection> {
  const connection = connect(config, resources)
  if (config.init_verify_conn !== true) return connection
  return verified(connection)
}

async function verified(connection: SqlConnection): Promise<SqlConnection> {
  try {
    await connection.verify()
    return connection
  } catch (error) {
    await connection.close()
    throw new ConfigError(`could not establish connection to database: ${messageOf(error)}`, { cause: error })
  }
}

/** Loads the database client on first use, and runs the initial statements once it is connected. */
class LazyConnection implements SqlConnection {
  readonly #config: ConnectionConfig
  readonly #resources: Resources
  #scripts: readonly (readonly [string, string])[]
  #client: Promise<SqlConnection> | null = null
  #ready: Promise<SqlConnection> | null = null
  #isClosed = false

  constructor(config: ConnectionConfig, scripts: readonly (readonly [string, string])[], resources: Resources) {
    this.#config = config
    this.#resources = resources
    this.#scripts = scripts
  }

  async open(): Promise<void> {
    try {
      await this.#use()
    } catch (error) {
      // As in the original, messages are rejected while the database is unavailable, so that `fallback` receives them.
      this.#resources.log.warn(`Failed to connect to the database: ${messageOf(error)}`)
    }
  }

  async verify(): Promise<void> {
    await (await this.#load()).verify()
    await this.open()
  }

  async rows(query: string, args: readonly Value[]): Promise<readonly Row[]> {
    return (await this.#use()).rows(query, args)
  }

  async *chunks(query: string, args: readonly Value[]): AsyncGenerator<readonly Row[]> {
    yield* (await this.#use()).chunks(query, args)
  }

  async run(query: string, args: readonly Value[]): Promise<void> {
    return (await this.#use()).run(query, args)
  }

  async insert(statement: InsertStatement, rows: readonly (readonly Value[])[]): Promise<void> {
    return (await this.#use()).insert(statement, rows)
  }

  async bytes(query: string, args: readonly Value[]): Promise<Uint8Array | undefined> {
    return (await this.#use()).bytes(query, args)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const client = await this.#client?.catch(() => null)
    await client?.close()
  }

  /** The client, after the initial statements ran. If the database could not be reached, they run on the next use. */
  #use(): Promise<SqlConnection> {
    this.#ready ??= this.#prepare().catch((error: unknown) => {
      this.#ready = null
      throw error
    })
    return this.#ready
  }

  async #prepare(): Promise<SqlConnection> {
    const client = await this.#load()
    while (this.#scripts.length > 0) {
      const [what, text] = this.#scripts[0]!
      try {
        await client.run(text, [])
      } catch (error) {
        if (!(error instanceof StatementError)) throw error
        this.#resources.log.warn(`Failed to execute ${what}: ${error.message}`)
      }
      this.#scripts = this.#scripts.slice(1)
    }
    return client
  }

  #load(): Promise<SqlConnection> {
    if (this.#isClosed) throw new Error('the connection to the database is closed')
    // `checkDriver` has rejected all other drivers.
    const driver = this.#config.driver as NetworkDriver | 'sqlite'
    this.#client ??= openClient(driver, this.#config, this.#resources).catch((error: unknown) => {
      this.#client = null
      throw error
    })
    return this.#client
  }
}

async function openClient(
  driver: NetworkDriver | 'sqlite',
  config: ConnectionConfig,
  resources: Resources,
): Promise<SqlConnection> {
  switch (driver) {
    case 'postgres':
      return (await import('./postgres.ts')).openPostgres(config, resources)
    case 'mysql':
      return (await import('./mysql.ts')).openMysql(config, resources)
    case 'clickhouse':
      return (await import('./clickhouse.ts')).openClickhouse(config, resources)
    case 'mssql':
      return (await import('./mssql.ts')).openMssql(config, resources)
    case 'snowflake':
      return (await import('./snowflake.ts')).openSnowflake(config, resources)
    case 'trino':
      return (await import('./trino.ts')).openTrino(config, resources)
    case 'sqlite':
      return openSqlite(config, resources)
  }
}
