import { messageOf } from '../../base/index.ts'
import { ConfigError, parseDuration } from '../../engine/index.ts'

export interface ClickhouseDsn {
  /** Servers that hold the same data, as `host:port`, in the order in which they are tried. */
  readonly hosts: readonly string[]
  readonly isSecure: boolean
  readonly verifies: boolean
  readonly path: string
  readonly user: string
  readonly password: string
  readonly database: string
  readonly connectTimeoutMs: number
  readonly readTimeoutMs: number
  /** Settings that are sent with every statement. */
  readonly settings: Readonly<Record<string, string>>
  /** Its parameters that have no effect here. */
  readonly ineffective: readonly string[]
}

/** Parameters of Go's driver that are accepted and have no effect. */
const ineffective = [
  'block_buffer_size',
  'client_info_product',
  'compress',
  'compress_level',
  'conn_max_lifetime',
  'connection_open_strategy',
  'debug',
  'http_proxy',
  'max_compression_buffer',
  'max_idle_conns',
  'max_open_conns',
]

const known = new Set([
  ...ineffective,
  'database',
  'dial_timeout',
  'http_path',
  'password',
  'read_timeout',
  'secure',
  'skip_verify',
  'username',
])

/** Why a DSN for the native protocol is refused; undefined if it is for HTTP or something else. */
export function refusalOfNative(dsn: string): string | undefined {
  if (!/^(?:clickhouse|tcp|native):\/\//.test(dsn)) return undefined
  return 'the native protocol of ClickHouse (clickhouse://, port 9000) is known but not supported by Penstock yet: use the HTTP interface of the same server, such as http://user:password@host:8123/database'
}

/** Parses `http[s]://user:password@host:port,host:port/database?parameters` as Go's driver does. Throws `ConfigError`. */
export function parseClickhouseDsn(dsn: string): ClickhouseDsn {
  const refusal = refusalOfNative(dsn)
  if (refusal !== undefined) throw new ConfigError(refusal)
  // Not `URL`, which knows a single host.
  const match = /^(https?):\/\/(?:([^@/]*)@)?([^/?]+)(?:\/([^?]*))?(?:\?(.*))?$/s.exec(dsn)
  // The DSN is left out of the error because it contains the password.
  if (match === null)
    throw new ConfigError('parse dsn address failed: expected http://user:password@host:8123/database')
  const [, scheme, login = '', hosts = '', database = '', query = ''] = match
  const isSecure = scheme === 'https'
  const parameters = new URLSearchParams(query)
  const [user = '', ...password] = login.split(':')
  const path = parameters.get('http_path') ?? ''
  return {
    hosts: hosts.split(',').map(host => (/:\d+$/.test(host) ? host : `${host}:${isSecure ? 8443 : 8123}`)),
    isSecure,
    verifies: !isOn(parameters, 'skip_verify'),
    path: path === '' || path.startsWith('/') ? path : `/${path}`,
    user: parameters.get('username') ?? (decoded(user) || 'default'),
    password: parameters.get('password') ?? decoded(password.join(':')),
    database: parameters.get('database') ?? decoded(database),
    connectTimeoutMs: duration(parameters, 'dial_timeout', 30_000),
    readTimeoutMs: duration(parameters, 'read_timeout', 300_000),
    settings: Object.fromEntries(
      [...parameters]
        .filter(([name]) => !known.has(name))
        .map(([name, value]) => [name, { true: '1', false: '0' }[value.toLowerCase()] ?? value]),
    ),
    ineffective: ineffective.filter(name => parameters.has(name)),
  }
}

/** A parameter without a value counts as true. */
function isOn(parameters: URLSearchParams, name: string): boolean {
  const value = parameters.get(name)
  return value === '' || value === 'true' || value === '1'
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new ConfigError('the DSN is not a URL: special characters of a password are written as %XX')
  }
}

function duration(parameters: URLSearchParams, name: string, otherwise: number): number {
  try {
    return parseDuration(parameters.get(name) ?? `${otherwise}ms`)
  } catch (error) {
    throw new ConfigError(`clickhouse [dsn parse]: ${name}: ${messageOf(error)}`, { cause: error })
  }
}
