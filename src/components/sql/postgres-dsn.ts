import { ConfigError } from '../../engine/index.ts'

/**
 * The encryption modes of lib/pq, the original's driver. `require` accepts any certificate unless there is a root
 * certificate.
 */
type SslMode = 'disable' | 'require' | 'verify-ca' | 'verify-full'

export interface PostgresDsn {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
  readonly sslMode: SslMode
  /** Paths, or the PEM text itself if `isInline`. */
  readonly ssl: { readonly root: string; readonly cert: string; readonly key: string; readonly isInline: boolean }
  /** 0 for no limit. */
  readonly connectTimeoutMs: number
  readonly applicationName: string
  /** Further session settings, such as `search_path`. */
  readonly settings: Readonly<Record<string, string>>
}

const known = new Set([
  'host',
  'port',
  'user',
  'password',
  'dbname',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'sslinline',
  'sslsni',
  'connect_timeout',
  'application_name',
  'fallback_application_name',
  'binary_parameters',
  'client_encoding',
  'datestyle',
])
const modes: readonly string[] = ['disable', 'require', 'verify-ca', 'verify-full']

/** Parses a URL or a list of `key=value` as lib/pq does. Throws `ConfigError`. */
export function parsePostgresDsn(dsn: string): PostgresDsn {
  const values = /^postgres(?:ql)?:\/\//.test(dsn) ? fromUrl(dsn) : fromList(dsn)
  const value = (name: string) => values.get(name) ?? ''
  const sslMode = value('sslmode') || 'require'
  if (!isMode(sslMode)) {
    throw new ConfigError(
      `pq: unsupported sslmode "${sslMode}"; only "require" (default), "verify-full", "verify-ca", and "disable" supported`,
    )
  }
  const user = value('user') || 'postgres'
  return {
    host: value('host') || 'localhost',
    port: wholeNumber('port', value('port') || '5432'),
    user,
    password: value('password'),
    database: value('dbname') || user,
    sslMode,
    ssl: {
      root: value('sslrootcert'),
      cert: value('sslcert'),
      key: value('sslkey'),
      isInline: value('sslinline') === 'true',
    },
    connectTimeoutMs: wholeNumber('connect_timeout', value('connect_timeout') || '0') * 1000,
    applicationName: value('application_name') || value('fallback_application_name'),
    settings: Object.fromEntries([...values].filter(([name]) => !known.has(name))),
  }
}

function isMode(text: string): text is SslMode {
  return modes.includes(text)
}

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new ConfigError(`the ${name} of the DSN is not a number: ${text}`)
  return Number(text)
}

function fromUrl(dsn: string): ReadonlyMap<string, string> {
  // The DSN is left out of the error because it contains the password.
  const url = URL.parse(dsn)
  if (url === null) throw noUrl()
  const values = new Map<string, string>()
  const set = (name: string, text: string) => {
    if (text !== '') values.set(name, text)
  }
  set('host', decoded(url.hostname).replace(/^\[|\]$/g, ''))
  set('port', url.port)
  set('user', decoded(url.username))
  set('password', decoded(url.password))
  set('dbname', decoded(url.pathname.slice(1)))
  for (const [name, text] of url.searchParams) set(name, text)
  return values
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw noUrl()
  }
}

function noUrl(): ConfigError {
  return new ConfigError('the DSN is not a URL: special characters of a password are written as %XX')
}

/** Parses `host=localhost password='a b'`, with `\` before a quote or another `\`. */
function fromList(dsn: string): ReadonlyMap<string, string> {
  const pair = /\s*([^\s=]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s\\]|\\.)*))(?:\s+|$)/gsy
  const values = new Map<string, string>()
  const text = dsn.trim()
  while (pair.lastIndex < text.length) {
    const match = pair.exec(text)
    if (match === null) throw new ConfigError('the DSN is neither a URL nor a list of key=value')
    values.set(match[1]!, (match[2] ?? match[3] ?? '').replaceAll(/\\(.)/gs, '$1'))
  }
  return values
}
