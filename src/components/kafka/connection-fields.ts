import { fieldsOf } from '../../base/index.ts'
import type { BaseOptions, SASLOptions } from '@platformatic/kafka'
import {
  addressOfUrl,
  type Cache,
  type ComponentHost,
  ConfigError,
  field,
  type Infer,
  type Need,
  type Network,
  type Resources,
  tlsField,
  type TlsOptions,
  tlsOptions,
} from '../../engine/index.ts'
import { mskTokens } from '../aws/msk-token.ts'
import { needsOfSession, type SessionConfig, sessionFields, type WrittenSession } from '../aws/session.ts'

const mechanismField = field.string('How the client authenticates.').options({
  none: 'No authentication.',
  PLAIN: 'User name and password in clear text; use it only over TLS.',
  OAUTHBEARER: 'A bearer token.',
  'SCRAM-SHA-256': 'User name and password (RFC 5802).',
  'SCRAM-SHA-512': 'User name and password (RFC 5802).',
  AWS_MSK_IAM:
    'AWS credentials, for Amazon MSK: a token signed with the credentials of `aws`, which the client sends by `OAUTHBEARER`.',
})

const sasl = field
  .object(
    {
      mechanism: mechanismField,
      username: field.string('The user name.').default(''),
      password: field.string('The password.').default('').secret(),
      token: field.string('The token for `OAUTHBEARER`.').default(''),
      oauth2: field
        .object({
          enabled: field.bool('Whether to obtain tokens from a token provider.').default(false),
          client_key: field.string('The client id at the token provider.').default(''),
          client_secret: field.string('The client secret.').default('').secret(),
          token_url: field
            .string('The URL of the token provider.')
            .needs('network', value => addressOfUrl(value))
            .default(''),
          scopes: field.string('The scopes to request.').list().default([]),
          endpoint_params: field.any('Additional parameters of the token request.').map().default({}),
        })
        .advanced(),
      extensions: field.any('SASL extensions for `OAUTHBEARER`.').map().optional(),
      aws: field.object(sessionFields).advanced(),
    },
    'SASL mechanisms, tried in order.',
  )
  .needsWhen(['environment'], needsOfLogin)
  .list()
  .advanced()
  .optional()

/** The connection fields shared by the components of the `franz` family. */
export const connectionFields = {
  seed_brokers: field
    .string('Bootstrap addresses, as `host:port`. One entry may list several, separated by commas.')
    .needsWhen(['network'], needsOfBrokers)
    .list()
    .examples(['localhost:9092'], ['foo:9092', 'bar:9092'], ['foo:9092,bar:9092']),
  client_id: field.string('The client id.').default('bento').advanced(),
  rack_id: field.string('The rack, or availability zone, of the client.').default('').advanced(),
  metadata_max_age: field.duration('How long topic and partition metadata is cached.').default('5m').advanced(),
  tls: tlsField,
  sasl,
}

/** The connection fields shared by the components named `kafka`. */
export const saramaConnectionFields = {
  addresses: field
    .string('Bootstrap addresses, as `host:port`. One entry may list several, separated by commas.')
    .needsWhen(['network'], needsOfBrokers)
    .list()
    .examples(['localhost:9092'], ['localhost:9041,localhost:9042'], ['localhost:9041', 'localhost:9042']),
  target_version: field
    .string(
      'The version of the cluster. Below 0.11 records have no headers; everything else is negotiated with the cluster.',
    )
    .optional()
    .examples('2.1.0', '3.1.0'),
  client_id: field.string('The client id.').default('bento').advanced(),
  rack_id: field.string('The rack, or availability zone, of the client.').default('').advanced(),
  tls: tlsField.optional(),
  sasl: field
    .object(
      {
        mechanism: mechanismField.default('none').advanced(),
        user: field.string('The user name.').default('').advanced(),
        password: field.string('The password.').default('').secret().advanced(),
        access_token: field.string('The token for `OAUTHBEARER`.').default('').advanced(),
        token_cache: field
          .string('A cache resource that the `OAUTHBEARER` token is read from at every authentication.')
          .default('')
          .advanced(),
        token_key: field.string('The key of the token in that cache.').default('').advanced(),
        oauth2: field
          .object(
            {
              enabled: field.bool('Whether to obtain tokens from a token provider.').default(false).advanced(),
              client_key: field.string('The client id at the token provider.').default('').advanced(),
              client_secret: field.string('The client secret.').default('').secret().advanced(),
              token_url: field
                .string('The URL of the token provider.')
                .needs('network', value => addressOfUrl(value))
                .default('')
                .advanced(),
              scopes: field.string('The scopes to request.').list().default([]).advanced(),
              endpoint_params: field.any('Additional parameters of the token request.').map().optional().advanced(),
              extensions: field.any('SASL extensions.').map().optional().advanced(),
            },
            'Obtains tokens by the OAuth 2.0 client credentials grant.',
          )
          .optional()
          .advanced(),
        aws: field.object(sessionFields, 'Settings of the `AWS_MSK_IAM` mechanism.').optional().advanced(),
      },
      'How the client authenticates.',
    )
    .needsWhen(['environment'], needsOfLogin)
    .optional()
    .advanced(),
}

type SaramaConnection = {
  readonly [K in keyof typeof saramaConnectionFields]: Infer<(typeof saramaConnectionFields)[K]>
}

/** The client library's options for a component named `kafka`. Throws {@link ConfigError}. */
export function saramaClientOptions(config: SaramaConnection, resources: Resources): BaseOptions {
  const { host } = resources
  const { target_version: version, tls, sasl: login } = config
  if (version !== undefined && !/^\d+\.\d+\.\d+(?:\.\d+)?$/.test(version)) {
    throw new ConfigError(`target_version: invalid version \`${version}\``)
  }
  return {
    clientId: config.client_id,
    bootstrapBrokers: brokersOf('addresses', config.addresses),
    ...(config.rack_id === '' ? {} : { clientRack: config.rack_id }),
    ...(tls?.enabled === true ? { tls: tlsOf(tls, host) } : {}),
    ...(login === undefined || login.mechanism === 'none' ? {} : { sasl: saramaSaslOptions(login, resources) }),
  }
}

/** Whether a cluster of this version supports record headers. */
export function hasHeaders(targetVersion: string | undefined): boolean {
  if (targetVersion === undefined) return true
  const [major, minor] = targetVersion.split('.').map(Number)
  return major! > 0 || minor! >= 11
}

type Connection = { readonly [K in keyof typeof connectionFields]: Infer<(typeof connectionFields)[K]> }

/** The client library's options for a component's connection. Throws {@link ConfigError}. */
export function clientOptions(config: Connection, resources: Resources): BaseOptions {
  const login = config.sasl?.find(entry => entry.mechanism !== 'none')
  return {
    clientId: config.client_id,
    bootstrapBrokers: brokersOf('seed_brokers', config.seed_brokers),
    metadataMaxAge: config.metadata_max_age ?? 300_000,
    ...(config.rack_id === '' ? {} : { clientRack: config.rack_id }),
    ...(config.tls.enabled ? { tls: tlsOf(config.tls, resources.host) } : {}),
    ...(login === undefined ? {} : { sasl: saslOptions(login, resources) }),
  }
}

function brokersOf(name: string, entries: readonly string[]): { host: string; port: number }[] {
  const brokers = entries.flatMap(entry => entry.split(',')).map(entry => entry.trim())
  if (brokers.length === 0) throw new ConfigError(`you must provide at least one address in ${name}`)
  if (brokers.includes('')) throw new ConfigError('seed broker address cannot be empty')
  return brokers.map(parseBroker)
}

function tlsOf(config: Infer<typeof tlsField>, host: ComponentHost): TlsOptions {
  return tlsOptions(config, path => host.files.readFileSync(path).toString('utf8'))
}

function parseBroker(address: string): { host: string; port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(address)
  if (match === null) throw new ConfigError(`seed broker '${address}' is not of the form host:port`)
  return { host: match[1] ?? match[2]!, port: Number(match[3] ?? 9092) }
}

function needsOfBrokers(value: unknown): readonly Need[] {
  const brokers = typeof value === 'string' ? value.split(',') : []
  return brokers.flatMap((entry): Need[] => {
    const target = addressOfUrl(`kafka://${entry.trim()}`, 9092)
    return target === undefined ? [] : [{ capability: 'network', target }]
  })
}

/** A login as configured, before defaults. */
interface WrittenLogin {
  readonly mechanism?: string
  readonly aws?: WrittenSession
}

function needsOfLogin(value: unknown): readonly Need[] {
  const { mechanism, aws = {} } = (value ?? {}) as WrittenLogin // checked against the fields before
  return mechanism === 'AWS_MSK_IAM' ? needsOfSession(aws) : []
}

function saslOptions(login: NonNullable<Infer<typeof sasl>>[number], resources: Resources): SASLOptions {
  switch (login.mechanism) {
    case 'PLAIN':
    case 'SCRAM-SHA-256':
    case 'SCRAM-SHA-512':
      return { mechanism: login.mechanism, username: login.username, password: login.password }
    case 'OAUTHBEARER':
      return {
        mechanism: 'OAUTHBEARER',
        token: login.oauth2.enabled ? () => fetchToken(login.oauth2, resources.host.network) : login.token,
        ...extensionsOf(login.extensions),
      }
    case 'AWS_MSK_IAM':
      return { mechanism: 'OAUTHBEARER', token: mskTokens(login.aws, resources) }
    default:
      throw new ConfigError(unknownMechanism(login.mechanism))
  }
}

type SaramaLogin = NonNullable<Infer<(typeof saramaConnectionFields)['sasl']>>

function saramaSaslOptions(login: SaramaLogin, resources: Resources): SASLOptions {
  const { mechanism, user: username, password, access_token: token, token_cache: cache, token_key: key, oauth2 } = login
  switch (mechanism) {
    case 'PLAIN':
    case 'SCRAM-SHA-256':
    case 'SCRAM-SHA-512':
      return { mechanism, username, password }
    case 'OAUTHBEARER': {
      const extensions = extensionsOf(oauth2?.extensions)
      if (oauth2?.enabled === true) {
        const provider = { ...oauth2, endpoint_params: oauth2.endpoint_params ?? {} }
        return { mechanism, token: () => fetchToken(provider, resources.host.network), ...extensions }
      }
      if (cache === '') return { mechanism, token, ...extensions }
      const tokens = resources.cache(cache)
      return { mechanism, token: () => cachedToken(tokens, key), ...extensions }
    }
    case 'AWS_MSK_IAM':
      return { mechanism: 'OAUTHBEARER', token: mskTokens(login.aws ?? noSession, resources) }
    default:
      throw new ConfigError(unknownMechanism(mechanism))
  }
}

/** Credentials and region of the environment. */
const noSession: SessionConfig = { region: '', endpoint: '', credentials: undefined }

function unknownMechanism(mechanism: string): string {
  return `unknown SASL mechanism ${mechanism}`
}

/** Key-value pairs that a client sends along with its token (RFC 7628, section 3.1). */
function extensionsOf(
  given: Readonly<Record<string, unknown>> | undefined,
): Pick<SASLOptions, 'oauthBearerExtensions'> {
  const pairs = Object.entries(given ?? {}).map(([name, value]): [string, string] => [name, String(value)])
  return pairs.length === 0 ? {} : { oauthBearerExtensions: Object.fromEntries(pairs) }
}

async function cachedToken(cache: Cache, key: string): Promise<string> {
  const token = await cache.get(key)
  if (token === undefined) throw new Error(`the cache holds no token under the key '${key}'`)
  return Buffer.from(token).toString('utf8')
}

/** Obtains a token by the client credentials grant (RFC 6749, section 4.4). */
async function fetchToken(
  config: NonNullable<Infer<typeof sasl>>[number]['oauth2'],
  network: Network,
): Promise<string> {
  const body = new URLSearchParams({ grant_type: 'client_credentials', scope: config.scopes.join(' ') })
  for (const [name, value] of Object.entries(config.endpoint_params)) {
    for (const one of Array.isArray(value) ? value : [value]) body.append(name, String(one))
  }
  const credentials = Buffer.from(`${config.client_key}:${config.client_secret}`).toString('base64')
  const response = await network.fetch(config.token_url, {
    method: 'POST',
    headers: { authorization: `Basic ${credentials}` },
    body,
    signal: AbortSignal.timeout(30_000),
  })
  const answer: unknown = await response.json()
  const token = fieldsOf(answer)['access_token']
  if (!response.ok || typeof token !== 'string') {
    throw new Error(`the token provider answered ${response.status} without a token`)
  }
  return token
}

/** Parses a size such as `50MiB`, `1MB` or `512` into bytes. Throws {@link ConfigError}. */
export function parseBytes(fieldName: string, text: string): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(i?)b?\s*$/i.exec(text)
  if (match === null) throw new ConfigError(`${fieldName}: '${text}' is not a size such as 1MB or 512KiB`)
  const exponent = ['', 'k', 'm', 'g', 't'].indexOf(match[2]!.toLowerCase())
  return Math.floor(Number(match[1]) * (match[3] === '' ? 1000 : 1024) ** exponent)
}
