import { ConfigError } from '../../engine/index.ts'

export interface MssqlDsn {
  readonly host: string
  /** Undefined to ask the server for the port of the instance. */
  readonly port: number | undefined
  readonly instance: string
  readonly user: string
  readonly password: string
  readonly database: string
  /** Without encryption even the password is readable on the network. */
  readonly encrypts: boolean
  readonly verifies: boolean
  /** A file with the certificates to trust instead of the well-known ones; empty if there is none. */
  readonly certificate: string
  readonly hostInCertificate: string
  readonly connectTimeoutMs: number
  /** 0 for no limit. */
  readonly statementTimeoutMs: number
  readonly packetSize: number
  readonly applicationName: string
  readonly workstation: string
  readonly readsOnly: boolean
  /** Its parameters that have no effect here. */
  readonly ineffective: readonly string[]
}

const synonyms: Readonly<Record<string, string>> = {
  'application name': 'app name',
  'data source': 'server',
  address: 'server',
  'network address': 'server',
  addr: 'server',
  user: 'user id',
  uid: 'user id',
  pwd: 'password',
  'initial catalog': 'database',
}

/** Parameters of Go's driver that are accepted and have no effect. */
const ineffective = ['failoverpartner', 'failoverport', 'serverspn', 'keepalive', 'log', 'disableretry']

/**
 * Parses `sqlserver://user:password@host:port/instance?parameters`, or a list `server=host;user id=…`, as Go's driver
 * does. Throws `ConfigError`.
 */
export function parseMssqlDsn(dsn: string): MssqlDsn {
  const values = dsn.startsWith('sqlserver://') ? fromUrl(dsn) : fromList(dsn)
  const value = (name: string) => values.get(name) ?? ''
  const [host = '', instance = ''] = value('server').split('\\')
  const isHere = host === '' || host === '.' || host.toLowerCase() === '(local)'
  if (value('user id') === '') {
    throw new ConfigError('the DSN names no user: the sign-in of Windows is not supported, only that of SQL Server')
  }
  const port = value('port')
  const encrypt = value('encrypt').toLowerCase()
  if (encrypt !== 'disable') isTrue('encrypt', values)
  return {
    host: isHere ? 'localhost' : host,
    port: port !== '' ? portOf(port) : instance === '' ? 1433 : undefined,
    instance,
    user: value('user id'),
    password: value('password'),
    database: value('database'),
    // Without `encrypt`, or with `false`, Go's driver encrypts the password only, and trusts every certificate without
    // `encrypt`. The client used here encrypts everything or nothing.
    encrypts: encrypt !== 'disable',
    verifies: encrypt !== '' && !isTrue('trustservercertificate', values),
    certificate: value('certificate'),
    hostInCertificate: value('hostnameincertificate'),
    connectTimeoutMs: wholeNumber('dial timeout', value('dial timeout') || '15') * 1000,
    statementTimeoutMs: wholeNumber('connection timeout', value('connection timeout') || '0') * 1000,
    packetSize: Math.min(Math.max(wholeNumber('packet size', value('packet size') || '4096'), 512), 32_767),
    applicationName: value('app name'),
    workstation: value('workstation id'),
    readsOnly: value('applicationintent').toLowerCase() === 'readonly',
    ineffective: ineffective.filter(name => values.has(name)),
  }
}

function portOf(text: string): number {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new ConfigError(`invalid tcp port '${text}'`)
  return port
}

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw new ConfigError(`invalid ${name} '${text}'`)
  return Number(text)
}

function isTrue(name: string, values: ReadonlyMap<string, string>): boolean {
  const text = (values.get(name) ?? 'false').toLowerCase()
  if (['true', 't', '1'].includes(text)) return true
  if (['false', 'f', '0', ''].includes(text)) return false
  throw new ConfigError(`invalid ${name} '${text}'`)
}

function fromUrl(dsn: string): ReadonlyMap<string, string> {
  // The DSN is left out of the error because it contains the password.
  const url = URL.parse(dsn)
  if (url === null) throw new ConfigError('the DSN is not a URL: special characters of a password are written as %XX')
  const values = new Map<string, string>()
  for (const [name, text] of url.searchParams) values.set(name.toLowerCase(), text)
  if (url.username !== '') values.set('user id', decodeURIComponent(url.username))
  if (url.password !== '') values.set('password', decodeURIComponent(url.password))
  const instance = url.pathname.length > 1 ? `\\${decodeURIComponent(url.pathname.slice(1))}` : ''
  values.set('server', `${url.hostname.replace(/^\[|\]$/g, '')}${instance}`)
  if (url.port !== '') values.set('port', url.port)
  return values
}

/** Parses `server=tcp:host,1433;user id=sa;password=secret`; with `odbc:` in front, values may be in braces. */
function fromList(dsn: string): ReadonlyMap<string, string> {
  const isOdbc = dsn.startsWith('odbc:')
  const pair = isOdbc ? /\s*([^=;]+)=\s*(?:\{((?:[^}]|\}\})*)\}|([^;]*))\s*(?:;|$)/gy : /\s*([^=;]+)=()([^;]*)(?:;|$)/gy
  const values = new Map<string, string>()
  const text = (isOdbc ? dsn.slice('odbc:'.length) : dsn).trim()
  while (pair.lastIndex < text.length) {
    const match = pair.exec(text)
    if (match === null) throw new ConfigError('the DSN is neither a URL sqlserver:// nor a list of key=value;')
    const key = match[1]!.trim().toLowerCase()
    const name = synonyms[key] ?? key
    const value = match[2] ? match[2].replaceAll('}}', '}') : match[3]!.trim()
    if (name !== 'server') {
      values.set(name, value)
      continue
    }
    const [server = '', port = ''] = value.replace(/^tcp:/, '').split(',')
    values.set('server', server)
    if (port !== '') values.set('port', port.trim())
  }
  return values
}
