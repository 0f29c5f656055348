import { fieldsOf } from '../../base/index.ts'
import { field, type Field, type FieldMap, type Infer, type Need } from '../../engine/index.ts'
import { needsOfSession, sessionFields, type WrittenSession } from '../aws/session.ts'
import { parseClickhouseDsn, refusalOfNative } from './clickhouse-dsn.ts'
import { parseMssqlDsn } from './mssql-dsn.ts'
import { parseMysqlDsn } from './mysql-dsn.ts'
import { parsePostgresDsn } from './postgres-dsn.ts'
import { parseSnowflakeDsn, refusalOfSignIn } from './snowflake-dsn.ts'
import { parseTrinoDsn } from './trino-dsn.ts'
import { parseSqliteDsn } from './sqlite-dsn.ts'

/** Drivers that reach a database over the network. */
export type NetworkDriver = 'clickhouse' | 'mssql' | 'mysql' | 'postgres' | 'snowflake' | 'trino'

export const DRIVERS: Readonly<Record<string, string>> = {
  mysql: '`[user[:password]@][tcp[(host:port)]]/database[?parameters]`; placeholders are `?`.',
  postgres:
    '`postgres://[user[:password]@][host][:port][/database][?parameters]`; placeholders are `$1`, `$2`. Connections are encrypted unless `sslmode=disable` is set.',
  clickhouse:
    'By its HTTP interface: `http[s]://[user[:password]@][host][:8123][/database][?parameters]`; placeholders are `$1`, `$2`. The native protocol (`clickhouse://`, port 9000) is not supported yet.',
  mssql:
    'SQL Server, Azure SQL: `sqlserver://[user[:password]@][host][:port][/instance][?database=name&parameters]`; placeholders are `?`. The whole connection is encrypted unless `encrypt=disable` is set; certificates are verified if `encrypt` is set.',
  sqlite: 'Embedded in this process: `file:foo.db`, or `:memory:`; placeholders are `?`.',
  oracle: '',
  snowflake:
    'By its SQL API: `user@account/database/schema?warehouse=name&role=name&authenticator=snowflake_jwt&privateKey=key`, with the PKCS #8 key in base64, or `authenticator=programmatic_access_token` or `oauth` with `token=`; placeholders are `?`. The SQL API has no sign-in by user and password.',
  trino:
    '`http[s]://user[:password]@host[:port]?catalog=name&schema=name`; placeholders are `?`. Requires Trino 418 or later.',
  gocosmos: '',
  spanner: '',
  duckdb: '',
}

const RUNNING: ReadonlySet<string> = new Set([
  'sqlite',
  'postgres',
  'mysql',
  'mssql',
  'clickhouse',
  'snowflake',
  'trino',
])

/** Whether a driver is supported. */
export function isDriver(driver: string): boolean {
  return RUNNING.has(driver)
}

/**
 * Why this build does not support a driver that the original has; undefined if it does, or if there is no such driver.
 */
export function refusalOfDriver(driver: unknown): string | undefined {
  const isKnown = typeof driver === 'string' && Object.hasOwn(DRIVERS, driver)
  return isKnown && !isDriver(driver) ? `SQL driver '${driver}' is known but not supported by Penstock yet` : undefined
}

export const driverFields = {
  driver: field.string('The driver.').options(DRIVERS, false).unsupported(refusalOfDriver),
  dsn: field
    .string('The data source name, in the format of the driver.')
    .examples(
      'postgres://user:password@localhost:5432/database?sslmode=disable',
      'user:password@tcp(localhost:3306)/database',
      'sqlserver://user:password@localhost:1433?database=name',
      'http://user:password@localhost:8123/database',
      'file:data.db?_pragma=busy_timeout(5000)',
      ':memory:',
    ),
} as const

/** The fields of a component with a driver and a DSN, which together determine what it connects to. */
export function databaseConfig<const F extends FieldMap>(fields: F): Field<Infer<F>> {
  const needs = (value: unknown) => {
    // The raw value of a component with these fields.
    const config = value as DriverConfig & CloudConfig & WrittenSession // their names are checked elsewhere
    return [...needsOfDatabase(config), ...(usesAws(config) ? needsOfSession(config) : [])]
  }
  return field
    .object(fields)
    .needsWhen(['database_files', 'network', 'environment'], needs)
    .lint(value => {
      const { iam_enabled: iam, secret_name: secret, driver, dsn } = fieldsOf(value)
      const refusal = typeof driver === 'string' && typeof dsn === 'string' ? refusalOfDsn(driver, dsn) : undefined
      if (refusal !== undefined) return refusal
      if (iam === true && secret !== undefined) return 'both iam_enabled and secret_name cannot be set'
      return refusalOfLogin({ iam_enabled: iam, secret_name: secret }, driver)
    })
}

/** Why a DSN that the original accepts is refused; undefined if it is not. */
function refusalOfDsn(driver: string, dsn: string): string | undefined {
  if (driver === 'clickhouse') return refusalOfNative(dsn)
  return driver === 'snowflake' ? refusalOfSignIn(dsn) : undefined
}

interface CloudConfig {
  readonly iam_enabled?: unknown
  readonly secret_name?: unknown
}

function usesAws({ iam_enabled: iam, secret_name: secret }: CloudConfig): boolean {
  return iam === true || (typeof secret === 'string' && secret !== '')
}

/** Why a driver cannot sign in by AWS as configured; undefined if it can. */
export function refusalOfLogin(config: CloudConfig, driver: unknown): string | undefined {
  if (!usesAws(config) || driver === 'postgres') return undefined
  if (config.iam_enabled !== true) return 'secret_name with DSN info currently only works for postgres DSNs'
  return driver === 'mysql'
    ? 'iam_enabled with the driver mysql is known but not supported by Penstock yet: only with postgres'
    : 'cannot create DSN from IAM when driver is not postgres or mysql'
}

type DriverConfig = { readonly driver?: string; readonly dsn?: string }

function needsOfDatabase({ driver = '', dsn = '' }: DriverConfig): readonly Need[] {
  if (driver !== 'sqlite' && driver !== 'duckdb') {
    const target = addressOf(driver, dsn)
    return [target === undefined ? { capability: 'network' } : { capability: 'network', target, field: 'dsn' }]
  }
  const { path } = parseSqliteDsn(dsn)
  return path === ':memory:' ? [] : [{ capability: 'database_files', target: path, field: 'dsn' }]
}

/** The `host:port` of a DSN; undefined if it cannot be parsed, which is reported when the component connects. */
function addressOf(driver: string, dsn: string): string | undefined {
  try {
    if (driver === 'postgres') {
      const { host, port } = parsePostgresDsn(dsn)
      return `${host}:${port}`
    }
    if (driver === 'mysql') {
      const { host, port } = parseMysqlDsn(dsn)
      return `${host}:${port}`
    }
    if (driver === 'clickhouse') return parseClickhouseDsn(dsn).hosts[0]
    if (driver === 'trino') return parseTrinoDsn(dsn).host
    if (driver === 'snowflake') {
      const { hostname, port } = new URL(parseSnowflakeDsn(dsn).url)
      return `${hostname}:${port || 443}`
    }
    if (driver === 'mssql') {
      const { host, port } = parseMssqlDsn(dsn)
      return port === undefined ? undefined : `${host}:${port}`
    }
  } catch {
    return undefined
  }
  return undefined
}

const entraLogin = 'Logins of Microsoft Entra are known but not supported by Penstock yet: put them into the DSN'
const refuseTrue = (value: unknown) => (value === true ? entraLogin : undefined)

/** The connection fields shared by the SQL components. */
export const connectionFields = {
  init_files: field
    .string(
      'Files with statements that run once, when the database is first connected. Failures are logged as warnings.',
    )
    .needs('files')
    .list()
    .optional()
    .advanced()
    .examples(['./init/*.sql']),
  init_statement: field
    .string(
      'A statement that runs once when the database is first connected, after `init_files`. A failure is logged as a warning.',
    )
    .optional()
    .advanced()
    .examples('CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, total INTEGER)'),
  init_verify_conn: field
    .bool('Whether startup fails if the database does not respond.')
    .default(false)
    .advanced()
    .since('1.2.0'),
  conn_max_idle_time: field.duration('How long a connection may be idle before it is closed.').optional().advanced(),
  conn_max_life_time: field.duration('How long a connection may be used before it is closed.').optional().advanced(),
  conn_max_idle: field
    .int('The number of idle connections that are kept open. Further ones are closed after 5 idle seconds.')
    .default(2)
    .advanced(),
  conn_max_open: field.int('The maximum number of open connections; 0 means no limit.').optional().advanced(),
  secret_name: field
    .string(
      'An AWS Secrets Manager secret with `username` and `password`, which replace those of the DSN; with the driver `postgres` only. It is read for each connection.',
    )
    .optional()
    .advanced(),
  iam_enabled: field
    .bool(
      'Whether the password is an IAM token for a database of Amazon RDS or Aurora, made for each connection; with the driver `postgres` only.',
    )
    .default(false)
    .advanced(),
  azure: field
    .object({
      entra_enabled: field
        .bool('Whether the password is a Microsoft Entra token.')
        .unsupported(refuseTrue)
        .default(false)
        .advanced(),
      token_request_options: field
        .object({
          claims: field.string('Additional claims of the token.').default('').advanced(),
          enable_cae: field.bool('Whether continuous access evaluation is enabled.').default(false).advanced(),
          scopes: field
            .string('The scopes of the token.')
            .list()
            .default(['https://ossrdbms-aad.database.windows.net/.default'])
            .advanced(),
          tenant_id: field.string('The tenant that issues the token.').default('').advanced(),
        })
        .optional()
        .advanced(),
    })
    .optional()
    .advanced(),
  ...sessionFields,
} as const

export const argsField = field
  .mapping('A mapping that returns the array of values for the placeholders of the query.')
  .examples('root = [ this.cat.meow, this.doc.woofs[0] ]')
