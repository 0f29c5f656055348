import { fieldsOf, messageOf } from '../../base/index.ts'
import { Buffer } from 'node:buffer'
import { createHmac, createPrivateKey, type KeyObject, sign } from 'node:crypto'
import { addressOfUrl, field, type Infer, type Resources } from '../../engine/index.ts'

const secretText = (description: string) => field.string(description).default('').advanced().secret()
const plainText = (description: string) => field.string(description).default('').advanced()
const enabled = (description: string) => field.bool(description).default(false).advanced()

/** The authentication methods shared by all HTTP and WebSocket clients. */
export const requestAuthFields = {
  oauth: field
    .object({
      enabled: enabled('Whether to sign requests with OAuth 1 (RFC 5849, HMAC-SHA1).'),
      consumer_key: plainText('The client key.'),
      consumer_secret: secretText('The client secret.'),
      access_token: plainText('The access token of the user.'),
      access_token_secret: secretText('The secret of the access token.'),
    })
    .optional()
    .advanced(),
  basic_auth: field
    .object({
      enabled: enabled('Whether to send a user name and password.'),
      username: plainText('The user name.'),
      password: secretText('The password.'),
    })
    .optional()
    .advanced(),
  jwt: field
    .object({
      enabled: enabled('Whether to send a signed JSON Web Token.'),
      private_key_file: plainText('A file with the private key, in PEM format.').needs('files'),
      signing_method: plainText('The signing algorithm: `RS256`, `RS384`, `RS512` or `EdDSA`.'),
      claims: field.any('The claims of the token.').map().default({}).advanced(),
      headers: field.any('Additional headers of the token.').map().default({}).advanced(),
    })
    .advanced(),
} as const

/** The `oauth2` block: tokens by client credentials. */
export const oauth2Field = field
  .object({
    enabled: enabled('Whether to obtain a token by client credentials (RFC 6749) and send it.'),
    client_key: plainText('The client id.'),
    client_secret: secretText('The client secret.'),
    token_url: plainText('The URL of the token provider.').needs('network', value => addressOfUrl(value)),
    scopes: field.string('The scopes to request.').list().default([]).advanced(),
    endpoint_params: field
      .any('Additional parameters of the token request, each an array.')
      .map()
      .lint(findingsOfParameters)
      .default({})
      .advanced(),
  })
  .optional()
  .advanced()

function findingsOfParameters(written: unknown): readonly string[] {
  return Object.values(fieldsOf(written)).flatMap(values =>
    Array.isArray(values)
      ? values.filter(each => typeof each !== 'string').map(each => `field values must be strings, got ${shown(each)}`)
      : [`field must be an object containing arrays of strings, got ${shown(values)}`],
  )
}

function shown(value: unknown): string {
  const type = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
  return `${JSON.stringify(value)} (${type === 'boolean' ? 'bool' : type})`
}

type AuthConfig = Infer<typeof requestAuthFields>

const jwtDigests: Readonly<Record<string, string | null>> = {
  RS256: 'sha256',
  RS384: 'sha384',
  RS512: 'sha512',
  EdDSA: null,
}

/** Signs requests as configured. */
export class RequestSigner {
  readonly #config: AuthConfig
  readonly #resources: Resources
  #key: KeyObject | null = null

  constructor(config: AuthConfig, resources: Resources) {
    this.#config = config
    this.#resources = resources
  }

  /**
   * The `Authorization` header of a request; undefined if there is none. If several methods are enabled, basic takes
   * precedence over JWT, and JWT over OAuth.
   */
  authorization(method: string, url: string): string | undefined {
    const { basic_auth: basic, jwt, oauth } = this.#config
    if (basic?.enabled === true) {
      return `Basic ${Buffer.from(`${basic.username}:${basic.password}`).toString('base64')}`
    }
    if (jwt.enabled) return `Bearer ${this.#token(jwt)}`
    if (oauth?.enabled === true) {
      const { host } = this.#resources
      const nonce = Buffer.from(host.randomBytes(16)).toString('hex')
      return oauthAuthorization({ ...oauth, method, url, nonce, unixSeconds: Number(host.now() / 1_000_000_000n) })
    }
    return undefined
  }

  #token({ private_key_file: path, signing_method: algorithm, claims, headers }: AuthConfig['jwt']): string {
    const digest = jwtDigests[algorithm]
    if (digest === undefined) {
      throw new Error(`jwt signing method ${algorithm} not accepted. Try with RS256, RS384, RS512 or EdDSA`)
    }
    this.#key ??= this.#readKey(path, algorithm)
    const segment = (document: unknown) => Buffer.from(JSON.stringify(document)).toString('base64url')
    const signed = `${segment({ alg: algorithm, typ: 'JWT', ...headers })}.${segment(claims)}`
    return `${signed}.${sign(digest, Buffer.from(signed), this.#key).toString('base64url')}`
  }

  #readKey(path: string, algorithm: string): KeyObject {
    let pem: Buffer
    try {
      pem = this.#resources.host.files.readFileSync(path)
    } catch (error) {
      throw new Error(`failed to read private key: ${messageOf(error)}`, { cause: error })
    }
    try {
      const key = createPrivateKey(pem)
      const wanted = algorithm === 'EdDSA' ? 'ed25519' : 'rsa'
      if (key.asymmetricKeyType !== wanted) throw new Error(`the key is ${key.asymmetricKeyType}, not ${wanted}`)
      return key
    } catch (error) {
      throw new Error(`failed to parse ${algorithm} private key: ${messageOf(error)}`, { cause: error })
    }
  }
}

interface OAuthRequest {
  readonly consumer_key: string
  readonly consumer_secret: string
  readonly access_token: string
  readonly access_token_secret: string
  readonly method: string
  readonly url: string
  readonly nonce: string
  readonly unixSeconds: number
}

/** The header of RFC 5849, section 3.5.1, for a request whose body is not a form. */
export function oauthAuthorization(request: OAuthRequest): string {
  const { consumer_secret: consumerSecret, access_token_secret: tokenSecret, method, url } = request
  const own: readonly (readonly [string, string])[] = [
    ['oauth_consumer_key', request.consumer_key],
    ['oauth_nonce', request.nonce],
    ['oauth_signature_method', 'HMAC-SHA1'],
    ['oauth_timestamp', String(request.unixSeconds)],
    ['oauth_token', request.access_token],
    ['oauth_version', '1.0'],
  ]
  const { origin, pathname, searchParams } = new URL(url)
  const pairs = [...own, ...searchParams].map(([name, value]) => [percent(name), percent(value)] as const)
  // Sorted by code units, which for percent-encoded text is the order required by section 3.4.1.3.2.
  const sorted = pairs.toSorted(([a, x], [b, y]) => (a === b ? (x < y ? -1 : 1) : a < b ? -1 : 1))
  const parameters = sorted.map(pair => pair.join('=')).join('&')
  const base = [method.toUpperCase(), origin + pathname, parameters].map(percent).join('&')
  const signature = createHmac('sha1', `${percent(consumerSecret)}&${percent(tokenSecret)}`)
    .update(base)
    .digest('base64')
  const fields = [...own, ['oauth_signature', signature] as const]
  return `OAuth ${fields.map(([name, value]) => `${name}="${percent(value)}"`).join(', ')}`
}

/** Percent-encodes text as of RFC 5849, section 3.6. */
function percent(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}
