import { createPrivateKey, type KeyObject } from 'node:crypto'
import { ConfigError } from '../../engine/index.ts'

export interface SnowflakeDsn {
  readonly url: string
  readonly account: string
  readonly user: string
  /** How the client signs in: a key that it signs tokens with, or a token. */
  readonly login:
    | { readonly kind: 'key'; readonly key: KeyObject }
    | { readonly kind: 'token'; readonly token: string; readonly type: 'OAUTH' | 'PROGRAMMATIC_ACCESS_TOKEN' }
  readonly database: string
  readonly schema: string
  readonly warehouse: string
  readonly role: string
  /** Seconds after which the server cancels a statement; 0 for its own limit. */
  readonly statementTimeoutSeconds: number
  /** Parameters of the session that are sent with every statement. */
  readonly parameters: Readonly<Record<string, string>>
  /** Its parameters that have no effect here. */
  readonly ineffective: readonly string[]
}

const known = new Set([
  'account',
  'authenticator',
  'database',
  'host',
  'port',
  'privateKey',
  'protocol',
  'region',
  'requestTimeout',
  'role',
  'schema',
  'token',
  'warehouse',
])

/** Parameters of Go's driver that concern its own requests and have no effect here. */
const ineffective = [
  'application',
  'clientTimeout',
  'disableOCSPChecks',
  'disableTelemetry',
  'insecureMode',
  'jwtClientTimeout',
  'jwtTimeout',
  'loginTimeout',
  'maxRetryCount',
  'ocspFailOpen',
  'tracing',
  'validateDefaultParameters',
]

/**
 * Parses `user@account/database/schema?authenticator=snowflake_jwt&privateKey=…` as Go's driver does. Throws
 * `ConfigError`, also for the sign-ins that the SQL API of Snowflake does not have.
 */
export function parseSnowflakeDsn(dsn: string): SnowflakeDsn {
  const match = /^(?:([^@/?]*)@)?([^/?]+)(?:\/([^/?]*))?(?:\/([^?]*))?(?:\?(.*))?$/s.exec(dsn)
  // The DSN is left out of the errors because it contains the password.
  if (match === null) throw new ConfigError('the DSN is not of the form user@account/database/schema?parameters')
  const [, front = '', place = '', database = '', schema = '', query = ''] = match
  const parameters = new URLSearchParams(query)
  const value = (name: string) => parameters.get(name) ?? ''
  const [user = '', ...password] = front.split(':').map(decoded)
  const isHost = /:\d+$/.test(place) || place.includes('.snowflakecomputing.')
  const account = value('account') || (isHost ? place.split('.')[0]! : place)
  const region = value('region') === '' ? '' : `.${value('region')}`
  const host =
    value('host') || (isHost ? place : `${account}${region}.snowflakecomputing.${domainOf(account + region)}`)
  const port = value('port') === '' || /:\d+$/.test(host) ? '' : `:${value('port')}`
  return {
    url: `${value('protocol') || 'https'}://${host}${port}`,
    account,
    user,
    login: loginOf(value, password.join(':')),
    database: value('database') || decoded(database),
    schema: value('schema') || decoded(schema),
    warehouse: value('warehouse'),
    role: value('role'),
    statementTimeoutSeconds: wholeNumber(value('requestTimeout') || '0'),
    parameters: Object.fromEntries([...parameters].filter(([name]) => !known.has(name) && !ineffective.includes(name))),
    ineffective: ineffective.filter(name => parameters.has(name)),
  }
}

function domainOf(account: string): string {
  return /\.cn-/.test(account) ? 'cn' : 'com'
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new ConfigError(`the requestTimeout of the DSN is not a number: ${text}`)
  return Number(text)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new ConfigError('special characters of the DSN are written as %XX')
  }
}

function loginOf(value: (name: string) => string, password: string): SnowflakeDsn['login'] {
  const authenticator = value('authenticator').toLowerCase()
  switch (authenticator) {
    case 'snowflake_jwt':
      return { kind: 'key', key: keyOf(value('privateKey')) }
    case 'oauth':
      return { kind: 'token', token: value('token'), type: 'OAUTH' }
    case 'programmatic_access_token':
      return { kind: 'token', token: value('token') || password, type: 'PROGRAMMATIC_ACCESS_TOKEN' }
    default:
      throw new ConfigError(refusalOf(authenticator))
  }
}

function refusalOf(authenticator: string): string {
  return `the sign-in '${authenticator || 'user and password'}' of Snowflake is known but not supported by Penstock yet: use a key (authenticator=snowflake_jwt&privateKey=…), or a token (authenticator=programmatic_access_token or oauth, with token=…)`
}

/** Why the sign-in of a DSN is refused; undefined if it is not, or if this is not the DSN of an account. */
export function refusalOfSignIn(dsn: string): string | undefined {
  if (!/^[^@/?]+@/.test(dsn)) return undefined
  const authenticator = new URLSearchParams(dsn.split('?')[1] ?? '').get('authenticator')?.toLowerCase() ?? ''
  return ['snowflake_jwt', 'oauth', 'programmatic_access_token'].includes(authenticator)
    ? undefined
    : refusalOf(authenticator)
}

/** A PKCS #8 key in base64 or base64url. */
function keyOf(text: string): KeyObject {
  try {
    return createPrivateKey({ key: Buffer.from(text.replaceAll(' ', '+'), 'base64'), format: 'der', type: 'pkcs8' })
  } catch (error) {
    throw new ConfigError('the privateKey of the DSN is not a PKCS #8 key in base64', { cause: error })
  }
}
