import { ConfigError } from '../../engine/index.ts'

export interface TrinoDsn {
  readonly url: string
  readonly host: string
  readonly user: string
  /** Sent with https only; empty if there is none. */
  readonly password: string
  readonly accessToken: string
  /** A file with the certificates to trust, or their text. */
  readonly certificatePath: string
  readonly certificate: string
  /** Headers that choose the catalog, the schema and so on. */
  readonly headers: Readonly<Record<string, string>>
}

/** Parameters of Go's driver, and the headers that they set. */
const headers = {
  source: 'X-Trino-Source',
  catalog: 'X-Trino-Catalog',
  schema: 'X-Trino-Schema',
  session_properties: 'X-Trino-Session',
  extra_credentials: 'X-Trino-Extra-Credential',
  clientTags: 'X-Trino-Client-Tags',
} as const

/** Parses `http[s]://user[:password]@host[:port]?catalog=…&schema=…` as Go's driver does. Throws `ConfigError`. */
export function parseTrinoDsn(dsn: string): TrinoDsn {
  const url = URL.parse(dsn)
  // The DSN is left out of the error because it contains the password.
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new ConfigError('trino: malformed dsn: expected http[s]://user@host:port?catalog=name&schema=name')
  }
  const { searchParams: parameters } = url
  if (/^(?:true|1)$/i.test(parameters.get('KerberosEnabled') ?? '')) {
    throw new ConfigError('trino: Kerberos is known but not supported by Penstock yet')
  }
  return {
    url: url.origin,
    host: `${url.hostname}:${url.port || (url.protocol === 'https:' ? 443 : 80)}`,
    user: decodeURIComponent(url.username),
    password: url.protocol === 'https:' ? decodeURIComponent(url.password) : '',
    accessToken: parameters.get('accessToken') ?? '',
    certificatePath: parameters.get('SSLCertPath') ?? '',
    certificate: parameters.get('SSLCert') ?? '',
    headers: Object.fromEntries(
      Object.entries(headers).flatMap(([name, header]) => {
        const value = parameters.get(name) ?? ''
        return value === '' ? [] : [[header, value]]
      }),
    ),
  }
}
