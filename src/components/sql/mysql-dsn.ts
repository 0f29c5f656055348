import { ConfigError } from '../../engine/index.ts'

export interface MysqlDsn {
  readonly host: string
  readonly port: number
  /** A Unix socket instead of host and port. */
  readonly socketPath: string | undefined
  readonly user: string
  readonly password: string
  readonly database: string
  readonly parseTime: boolean
  readonly multiStatements: boolean
  readonly interpolateParams: boolean
  readonly foundRows: boolean
  readonly tls: 'off' | 'verify' | 'skip-verify'
  /** Whether to fall back to an unencrypted connection if the server does not support TLS. */
  readonly allowsPlaintext: boolean
  /** A character set, or a collation of one. */
  readonly charset: string | undefined
  /** 0 for no limit. */
  readonly connectTimeoutMs: number
  /** Its parameters that have no effect here. */
  readonly ineffective: readonly string[]
  /** System variables that are set on each connection. */
  readonly variables: Readonly<Record<string, string>>
}

const known = new Set([
  'allowAllFiles',
  'allowCleartextPasswords',
  'allowFallbackToPlaintext',
  'allowNativePasswords',
  'allowOldPasswords',
  'charset',
  'checkConnLiveness',
  'clientFoundRows',
  'collation',
  'columnsWithAlias',
  'connectionAttributes',
  'interpolateParams',
  'loc',
  'maxAllowedPacket',
  'multiStatements',
  'parseTime',
  'readTimeout',
  'rejectReadOnly',
  'serverPubKey',
  'timeout',
  'tls',
  'writeTimeout',
])

/** Parameters of Go's driver that are accepted and have no effect. */
const ineffective = ['readTimeout', 'rejectReadOnly', 'writeTimeout']

/** Parses `user:password@tcp(host:port)/database?parameters` as Go's driver does. Throws `ConfigError`. */
export function parseMysqlDsn(dsn: string): MysqlDsn {
  // The database name begins after the last slash, so that passwords may contain any character.
  const slash = dsn.lastIndexOf('/')
  if (slash === -1) throw new ConfigError('invalid DSN: missing the slash separating the database name')
  const [database = '', query = ''] = split(dsn.slice(slash + 1), '?')
  const parameters = new URLSearchParams(query)
  const front = dsn.slice(0, slash)
  const at = front.lastIndexOf('@')
  const [user = '', password = ''] = at === -1 ? [] : split(front.slice(0, at), ':')
  const { host, port, socketPath } = addressOf(front.slice(at + 1))
  const tls = (parameters.get('tls') ?? 'false').toLowerCase()
  const isOn = (name: string) => ['true', '1'].includes((parameters.get(name) ?? '').toLowerCase())
  return {
    host,
    port,
    socketPath,
    user,
    password,
    database: decodeURIComponent(database),
    parseTime: isOn('parseTime'),
    multiStatements: isOn('multiStatements'),
    interpolateParams: isOn('interpolateParams'),
    foundRows: isOn('clientFoundRows'),
    tls: tlsOf(tls),
    allowsPlaintext: tls === 'preferred' || isOn('allowFallbackToPlaintext'),
    charset: (parameters.get('collation') ?? parameters.get('charset')?.split(',')[0])?.toUpperCase(),
    connectTimeoutMs: durationMs(parameters.get('timeout') ?? '0s'),
    ineffective: ineffective.filter(name => parameters.has(name)),
    variables: Object.fromEntries([...parameters].filter(([name]) => !known.has(name))),
  }
}

function split(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator)
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}

function addressOf(text: string): { host: string; port: number; socketPath: string | undefined } {
  const [, network = 'tcp', address = ''] = /^([^(]*)(?:\((.*)\))?$/s.exec(text) ?? []
  if (network === 'unix') return { host: 'localhost', port: 3306, socketPath: address || '/tmp/mysql.sock' }
  if (network !== '' && network !== 'tcp') {
    throw new ConfigError(`invalid DSN: the network '${network}' is neither tcp nor unix; is an '@' or '()' missing?`)
  }
  const [, host = '', port = '3306'] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(address) ?? []
  return { host: host.replace(/^\[|\]$/g, '') || '127.0.0.1', port: Number(port), socketPath: undefined }
}

function tlsOf(text: string): MysqlDsn['tls'] {
  switch (text) {
    case 'true':
    case '1':
      return 'verify'
    case 'false':
    case '0':
      return 'off'
    case 'skip-verify':
    case 'preferred':
      return 'skip-verify'
    default:
      throw new ConfigError(`invalid value / unknown config name: ${text}`)
  }
}

function durationMs(text: string): number {
  const [, amount = '', unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? []
  const factor = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit]
  if (text === '0' || text === '0s') return 0
  if (factor === undefined) throw new ConfigError(`invalid DSN: timeout is not a duration: ${text}`)
  return Number(amount) * factor
}
