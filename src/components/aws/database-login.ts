import { isObject, parseJson, type Value } from '../../bloblang/index.ts'
import { ConfigError, HttpTransport, type Resources } from '../../engine/index.ts'
import { text } from 'node:stream/consumers'
import { sha256, Signer } from '../../storage/index.ts'
import { AwsSession, type SessionConfig } from './session.ts'

/** How long a token is valid, in seconds: the most that RDS accepts. */
const VALID_SECONDS = 900
const TIMEOUT_MS = 30_000

/** What a database is signed in with; `user` replaces that of the DSN. */
export interface Login {
  readonly user?: string
  readonly password: string
}

export interface DatabaseAddress {
  readonly host: string
  readonly port: number
  readonly user: string
}

/**
 * Returns a function that makes the login for each connection to a database of RDS or Aurora with IAM authentication:
 * its password is a signed URL, as AWS's own clients make it. Nothing is sent to AWS unless a role must be assumed.
 * The function rejects if there is no region or no credentials.
 */
export function rdsLogin(
  config: SessionConfig,
  { host, port, user }: DatabaseAddress,
  resources: Pick<Resources, 'host' | 'clock'>,
): () => Promise<Login> {
  const session = new AwsSession(config, resources)
  const address = `${host}:${port}`
  return async () => {
    const query = new Signer(await session.region(), 'rds-db').signQuery(
      { host: address, query: { Action: 'connect', DBUser: user }, validSeconds: VALID_SECONDS },
      await session.credentials(),
      new Date(resources.clock.now()),
    )
    return { password: `${address}/?${query}` }
  }
}

/**
 * Returns a function that reads the login from a secret of AWS Secrets Manager, a JSON object with `username` and
 * `password`. `close` ends its connections.
 */
export function secretLogin(
  config: SessionConfig,
  secretName: string,
  resources: Pick<Resources, 'host' | 'clock'>,
): { readonly login: () => Promise<Login>; close(): Promise<void> } {
  const session = new AwsSession(config, resources)
  const { network } = resources.host
  const transport = new HttpTransport({ environment: network.proxyVariables, sockets: network })
  return {
    login: async () => loginOf(await secretOf(session, transport, secretName, new Date(resources.clock.now()))),
    close: () => transport.close(),
  }
}

async function secretOf(session: AwsSession, transport: HttpTransport, name: string, now: Date): Promise<string> {
  const region = await session.region()
  const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
  const endpoint = session.endpoint('SECRETS_MANAGER') ?? `https://secretsmanager.${region}.${domain}`
  const body = Buffer.from(JSON.stringify({ SecretId: name }))
  const request = { method: 'POST', host: new URL(endpoint).host, path: '/', query: '', payloadHash: sha256(body) }
  const extra = { 'x-amz-target': 'secretsmanager.GetSecretValue' }
  const signed = new Signer(region, 'secretsmanager').sign({ ...request, extra }, await session.credentials(), now)
  const headers = { ...signed, 'Content-Type': 'application/x-amz-json-1.1' }
  const response = await transport.request(`${endpoint}/`, { method: 'POST', headers, body, timeoutMs: TIMEOUT_MS })
  const answer = fieldsOf(await text(response.body))
  const { SecretString: secret, __type: kind, message, Message: reason = message } = answer
  if (typeof secret === 'string') return secret
  const type = typeof kind === 'string' ? kind.replace(/^.*#/, '') : `status ${response.statusCode}`
  throw new Error(`error retrieving secret: ${type}: ${typeof reason === 'string' ? reason : 'it has no SecretString'}`)
}

function loginOf(secret: string): Login {
  const { username, password } = fieldsOf(secret)
  if (typeof password !== 'string' || password === '') throw new ConfigError('the secret has no password')
  return { password, ...(typeof username === 'string' && username !== '' ? { user: username } : {}) }
}

function fieldsOf(json: string): Readonly<Record<string, Value>> {
  try {
    const value = parseJson(json)
    return isObject(value) ? value : {}
  } catch (error) {
    throw new Error('error unmarshalling secret: it is not a JSON object', { cause: error })
  }
}
