import { createHash, scrypt, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { promisify } from 'node:util'
import { ConfigError } from './component.ts'
import { answerError } from './http-messages.ts'

/** A `cors` block. */
interface CorsConfig {
  readonly enabled: boolean
  readonly allowed_origins: readonly string[]
  readonly allowed_headers: readonly string[]
  readonly allowed_methods: readonly string[]
}

/** Headers that every request may carry without being allowed. */
const safeHeaders = ['accept', 'accept-language', 'content-language', 'origin']
/** Methods that browsers use without a preflight. */
const simpleMethods = ['GET', 'HEAD', 'POST']

/** Cross-origin resource sharing: the sites whose pages may call a server. */
export class Cors {
  readonly #config: CorsConfig

  /** Throws {@link ConfigError} if CORS is enabled without an allowed origin. */
  constructor(config: CorsConfig) {
    if (config.enabled && config.allowed_origins.length === 0) {
      throw new ConfigError('bad CORS configuration: must specify at least one allowed origin')
    }
    this.#config = config
  }

  /** Sets the headers of a response. Returns true if the request was a preflight and the response is finished. */
  answers(request: IncomingMessage, response: ServerResponse): boolean {
    const { enabled, allowed_origins: origins } = this.#config
    if (!enabled) return false
    const isPreflight = request.method === 'OPTIONS'
    const { origin } = request.headers
    if (origin === undefined || !(origins.includes('*') || origins.includes(origin))) {
      if (isPreflight) response.writeHead(200).end()
      return isPreflight
    }
    const refusal = isPreflight ? this.#preflight(request, response) : undefined
    if (refusal !== undefined) {
      response.writeHead(refusal).end()
      return true
    }
    if (origins.length > 1) response.setHeader('vary', 'Origin')
    response.setHeader('access-control-allow-origin', origins.includes('*') ? '*' : origin)
    if (isPreflight) response.writeHead(200).end()
    return isPreflight
  }

  /** Returns the status of a rejected preflight; otherwise sets the headers of the response. */
  #preflight(request: IncomingMessage, response: ServerResponse): number | undefined {
    const { allowed_headers: headers, allowed_methods: methods } = this.#config
    const method = request.headers['access-control-request-method']
    if (method === undefined) return 400
    if (!methods.includes(method)) return 405
    const wanted = (request.headers['access-control-request-headers'] ?? '')
      .split(',')
      .map(name => name.trim().toLowerCase())
      .filter(name => name !== '' && !safeHeaders.includes(name))
    if (!wanted.every(name => headers.some(header => header.toLowerCase() === name))) return 403
    if (wanted.length > 0) response.setHeader('access-control-allow-headers', wanted.join(','))
    if (!simpleMethods.includes(method)) response.setHeader('access-control-allow-methods', method)
    return undefined
  }
}

/** A `basic_auth` block. */
interface BasicAuthConfig {
  readonly enabled: boolean
  readonly realm: string
  readonly username: string
  /** base64 */
  readonly password_hash: string
  readonly algorithm: string
  /** base64 */
  readonly salt: string
}

type Matcher = (password: string, hash: Buffer, salt: Buffer) => boolean | Promise<boolean>

const matchers: Readonly<Record<string, Matcher>> = {
  md5: (password, hash) => equal(createHash('md5').update(password).digest(), hash),
  sha256: (password, hash) => equal(createHash('sha256').update(password).digest(), hash),
  bcrypt: async (password, hash) => {
    const { compare } = await import('bcryptjs')
    return await compare(password, hash.toString('latin1'))
  },
  scrypt: async (password, hash, salt) => {
    const derive = promisify(scrypt) as (...args: unknown[]) => Promise<Buffer> // its overload with options
    return equal(await derive(password, salt, 32, { N: 32_768, r: 8, p: 1, maxmem: 64 * 1024 * 1024 }), hash)
  },
}

/** HTTP basic authentication with a single user. */
export class BasicAuth {
  readonly #config: BasicAuthConfig
  readonly #matches: Matcher

  /** Throws {@link ConfigError} if it is enabled but incomplete. */
  constructor(config: BasicAuthConfig) {
    const matches = Object.hasOwn(matchers, config.algorithm) ? matchers[config.algorithm] : undefined
    if (config.enabled && (config.username === '' || config.password_hash === '')) {
      throw new ConfigError('both username and password_hash are required')
    }
    if (config.enabled && matches === undefined) {
      throw new ConfigError('algorithm should be one of md5, sha256, bcrypt, or scrypt')
    }
    if (config.enabled && config.algorithm === 'scrypt' && config.salt === '') {
      throw new ConfigError('salt is required for scrypt')
    }
    this.#config = config
    this.#matches = matches ?? (() => false)
  }

  get enabled(): boolean {
    return this.#config.enabled
  }

  /** Whether a request carries the right user name and password. */
  async admits({ headers }: IncomingMessage): Promise<boolean> {
    const { username, password_hash: hash, salt } = this.#config
    const encoded = /^basic\s+(\S+)$/i.exec(headers.authorization ?? '')?.[1] ?? ''
    const credentials = Buffer.from(encoded, 'base64').toString('utf8')
    const colon = credentials.indexOf(':')
    const user = colon < 0 ? '' : credentials.slice(0, colon)
    const password = colon < 0 ? '' : credentials.slice(colon + 1)
    // Both are always compared, so that the response time does not reveal whether the user name is right.
    const isUser = equal(Buffer.from(user), Buffer.from(username))
    const isPassword = await this.#matches(password, Buffer.from(hash, 'base64'), Buffer.from(salt, 'base64'))
    return isUser && isPassword
  }

  /** Responds with a challenge (401). */
  refuse(response: ServerResponse): void {
    response.setHeader('www-authenticate', `Basic realm=${JSON.stringify(this.#config.realm)}, charset="UTF-8"`)
    answerError(response, 401, 'Unauthorized')
  }
}

function equal(left: Buffer, right: Buffer): boolean {
  return left.length === right.length && timingSafeEqual(left, right)
}
