// The SASL exchanges of one connection (KIP-43, KIP-152, KIP-255, KIP-368).
import { messageOf } from '../../base/index.ts'
import { randomBytes } from 'node:crypto'
import type { Clock } from '../../base/index.ts'
import type { Credential, CredentialStore, PasswordCheck } from './credentials.ts'
import { type Principal, principalText } from './principal.ts'
import {
  ScramError,
  type ScramChallenge,
  scramChallenge,
  type ScramHash,
  scramUsername,
  scramVerify,
} from '../../kafka/index.ts'

export type SaslMechanism = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' | 'OAUTHBEARER'

/** Checks a bearer token; throws if it is invalid. */
export type TokenCheck = (token: string) => Promise<{
  readonly principal: string
  /** Milliseconds since 1970. */
  readonly expiresAt: number
}>

/** What a broker authenticates clients with. */
export interface SaslSettings {
  readonly credentials: CredentialStore
  readonly passwords: PasswordCheck
  /** Absent if OAUTHBEARER is not offered. */
  readonly checkToken?: TokenCheck
  /** Kafka's connections.max.reauth.ms: the maximum length of a session; 0 for no limit except the credential's. */
  readonly maxSessionMs: number
  readonly clock: Pick<Clock, 'now'>
}

export function mechanismsOf(settings: SaslSettings): readonly SaslMechanism[] {
  const mechanisms: SaslMechanism[] = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']
  return settings.checkToken === undefined ? mechanisms : [...mechanisms, 'OAUTHBEARER']
}

/** The identity of a connection after a successful exchange. */
export interface SaslIdentity {
  readonly principal: Principal
  /** Additional names of the same user, which ACLs may use. */
  readonly aliases: readonly string[]
  readonly superuser: boolean
  /** Milliseconds since 1970 after which the client must reauthenticate; undefined for never. */
  readonly expiresAt: number | undefined
}

/** The result of one client message. */
export interface SaslStep {
  readonly reply: Uint8Array
  /** Set by the message that completes the exchange. */
  readonly identity?: SaslIdentity
}

/** A failed exchange; the message is for the client. */
export class SaslError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'SaslError'
  }
}

/** One exchange: processes the client's messages in turn until one yields an identity. */
export interface SaslExchange {
  /** Throws {@link SaslError} if the client is refused. */
  step(message: Uint8Array): Promise<SaslStep>
}

export function startExchange(mechanism: SaslMechanism, settings: SaslSettings): SaslExchange {
  switch (mechanism) {
    case 'PLAIN':
      return { step: message => plain(message, settings) }
    case 'SCRAM-SHA-256':
      return new ScramExchange('sha256', mechanism, settings)
    case 'SCRAM-SHA-512':
      return new ScramExchange('sha512', mechanism, settings)
    case 'OAUTHBEARER':
      return new BearerExchange(settings)
  }
}

const nothing = new Uint8Array(0)

async function plain(message: Uint8Array, settings: SaslSettings): Promise<SaslStep> {
  const parts = Buffer.from(message).toString('utf8').split('\0')
  if (parts.length !== 3) throw new SaslError('Invalid SASL/PLAIN response: expected 3 tokens separated by NUL')
  const [authorizationId = '', username = '', password = ''] = parts
  if (username === '' || password === '')
    throw new SaslError('Authentication failed: username or password not specified')
  const credential = await settings.credentials.find(username)
  const isValid =
    credential !== undefined &&
    !isExpired(credential, settings.clock) &&
    (await settings.passwords.matches(credential, password))
  if (!isValid) throw new SaslError('Authentication failed: Invalid username or password')
  if (authorizationId !== '' && authorizationId !== username) {
    throw new SaslError('Authentication failed: Client requested an authorization id that is different from username')
  }
  return { reply: nothing, identity: identityOf(credential, settings) }
}

interface OpenChallenge {
  readonly challenge: ScramChallenge
  readonly credential: Credential
}

class ScramExchange implements SaslExchange {
  readonly #hash: ScramHash
  readonly #mechanism: string
  readonly #settings: SaslSettings
  #open: OpenChallenge | undefined

  constructor(hash: ScramHash, mechanism: string, settings: SaslSettings) {
    this.#hash = hash
    this.#mechanism = mechanism
    this.#settings = settings
  }

  async step(message: Uint8Array): Promise<SaslStep> {
    try {
      const text = Buffer.from(message).toString('utf8')
      return this.#open === undefined ? await this.#first(text) : this.#last(text, this.#open)
    } catch (error) {
      if (!(error instanceof ScramError)) throw error
      throw this.#refused()
    }
  }

  async #first(message: string): Promise<SaslStep> {
    const credential = await this.#settings.credentials.find(scramUsername(message))
    const keys = credential?.[this.#hash]
    if (credential === undefined || keys === undefined || isExpired(credential, this.#settings.clock)) {
      throw this.#refused()
    }
    const challenge = scramChallenge(this.#hash, message, keys, randomBytes(24).toString('base64url'))
    this.#open = { challenge, credential }
    return { reply: Buffer.from(challenge.message) }
  }

  #last(message: string, open: OpenChallenge): SaslStep {
    const reply = Buffer.from(scramVerify(open.challenge, message))
    return { reply, identity: identityOf(open.credential, this.#settings) }
  }

  #refused(): SaslError {
    return new SaslError(
      `Authentication failed during authentication due to invalid credentials with SASL mechanism ${this.#mechanism}`,
    )
  }
}

/** RFC 7628. A refused token is answered with the reason, and the exchange ends with the client's next message. */
class BearerExchange implements SaslExchange {
  readonly #settings: SaslSettings
  #refusal: string | undefined

  constructor(settings: SaslSettings) {
    this.#settings = settings
  }

  async step(message: Uint8Array): Promise<SaslStep> {
    if (this.#refusal !== undefined) throw new SaslError(`Authentication failed: ${this.#refusal}`)
    const match =
      /^n,(?:a=([^,]*))?,\x01(?:[A-Za-z]+=[^\x01]*\x01)*?auth=Bearer +([^\x01]+)\x01(?:[A-Za-z]+=[^\x01]*\x01)*\x01$/i.exec(
        Buffer.from(message).toString('utf8'),
      )
    if (match === null) throw new SaslError('Authentication failed: invalid OAUTHBEARER client first message')
    const [, authorizationId, token] = match
    try {
      const { principal, expiresAt } = await this.#settings.checkToken!(token!)
      if (authorizationId && authorizationId !== principal) throw new Error('the authorization id is not the principal')
      const identity = {
        principal: { type: 'User', name: principal },
        aliases: [],
        superuser: false,
        expiresAt: sessionEnd(expiresAt, this.#settings),
      }
      return { reply: nothing, identity }
    } catch (error) {
      this.#refusal = messageOf(error)
      return { reply: Buffer.from(JSON.stringify({ status: 'invalid_token' })) }
    }
  }
}

function identityOf(credential: Credential, settings: SaslSettings): SaslIdentity {
  const { username, aliases = [], superuser } = credential
  return { principal: { type: 'User', name: username }, aliases, superuser, expiresAt: sessionEnd(undefined, settings) }
}

function sessionEnd(credentialEnd: number | undefined, { maxSessionMs, clock }: SaslSettings): number | undefined {
  const longest = maxSessionMs > 0 ? clock.now() + maxSessionMs : undefined
  if (longest === undefined || credentialEnd === undefined) return longest ?? credentialEnd
  return Math.min(longest, credentialEnd)
}

function isExpired({ expiresAt }: Credential, clock: Pick<Clock, 'now'>): boolean {
  return expiresAt !== undefined && expiresAt <= clock.now()
}

/** The authentication state of one connection. */
export class SaslSession {
  readonly #settings: SaslSettings
  #mechanism: SaslMechanism | undefined
  #exchange: SaslExchange | undefined
  #identity: SaslIdentity | undefined
  #isRaw = false
  /** Set once a client was refused, which ends the connection. */
  failed = false

  constructor(settings: SaslSettings) {
    this.#settings = settings
  }

  get mechanisms(): readonly SaslMechanism[] {
    return mechanismsOf(this.#settings)
  }

  /** Undefined until the client has authenticated. */
  get identity(): SaslIdentity | undefined {
    return this.#identity
  }

  /** Whether the session has expired, so that only a new exchange is answered. */
  get isExpired(): boolean {
    const end = this.#identity?.expiresAt
    return end !== undefined && end <= this.#settings.clock.now()
  }

  /** Whether the next frame is a raw message of the exchange, without a request header. */
  get expectsRawMessage(): boolean {
    return this.#isRaw && this.#exchange !== undefined
  }

  /**
   * Chooses a mechanism; returns the name of an error if it cannot. `isRaw`: the exchange continues without headers.
   */
  handshake(mechanism: string, isRaw = false): 'UNSUPPORTED_SASL_MECHANISM' | 'ILLEGAL_SASL_STATE' | undefined {
    const known = this.mechanisms.find(each => each === mechanism)
    if (known === undefined) return 'UNSUPPORTED_SASL_MECHANISM'
    // A session keeps the mechanism that it began with (KIP-368).
    if (this.#identity !== undefined && known !== this.#mechanism) return 'ILLEGAL_SASL_STATE'
    this.#mechanism = known
    this.#exchange = startExchange(known, this.#settings)
    this.#isRaw = isRaw
    return undefined
  }

  /**
   * Processes the next message of the exchange. The session's lifetime in milliseconds is 0 if it has no end. Throws
   * {@link SaslError}, also for a message without a preceding handshake.
   */
  async authenticate(message: Uint8Array): Promise<{ readonly reply: Uint8Array; readonly lifetimeMs: number }> {
    const exchange = this.#exchange
    if (exchange === undefined)
      throw new SaslError('SaslAuthenticate request received without a SaslHandshake before it')
    try {
      const { reply, identity } = await exchange.step(message)
      if (identity === undefined) return { reply, lifetimeMs: 0 }
      this.#exchange = undefined
      this.#adopt(identity)
      const { expiresAt } = identity
      return { reply, lifetimeMs: expiresAt === undefined ? 0 : Math.max(1, expiresAt - this.#settings.clock.now()) }
    } catch (error) {
      this.failed = true
      throw error
    }
  }

  #adopt(identity: SaslIdentity): void {
    const before = this.#identity
    if (before !== undefined && principalText(before.principal) !== principalText(identity.principal)) {
      throw new SaslError(
        `Authentication failed: a session of ${principalText(before.principal)} cannot go on as ${principalText(identity.principal)}`,
      )
    }
    this.#identity = identity
  }
}
