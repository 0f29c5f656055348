// The server side of SCRAM (RFC 5802, RFC 7677) as used by Kafka (KIP-84): without channel binding; delegation tokens
// (`tokenauth=true`) are not supported.
import { createHash, createHmac, pbkdf2, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

export type ScramHash = 'sha256' | 'sha512'

/** What a server stores for a password: enough to check it, not enough to log in elsewhere. */
export interface ScramKeys {
  readonly salt: Uint8Array
  readonly iterations: number
  readonly storedKey: Uint8Array
  readonly serverKey: Uint8Array
}

/** Kafka's minimum, and the default for clients. */
export const minIterations = 4096
export const maxIterations = 16_384

const derive = promisify(pbkdf2)

/** Derives the keys to store from a password. */
export async function scramKeysOf(
  hash: ScramHash,
  password: string,
  salt: Uint8Array,
  iterations = minIterations,
): Promise<ScramKeys> {
  return scramKeysOfSalted(hash, await saltedPassword(hash, password, salt, iterations), salt, iterations)
}

/** Derives the keys from a password that is already salted and hashed, as AlterUserScramCredentials carries it. */
export function scramKeysOfSalted(
  hash: ScramHash,
  salted: Uint8Array,
  salt: Uint8Array,
  iterations: number,
): ScramKeys {
  const clientKey = hmac(hash, salted, 'Client Key')
  return {
    salt,
    iterations,
    storedKey: createHash(hash).update(clientKey).digest(),
    serverKey: hmac(hash, salted, 'Server Key'),
  }
}

/** Whether the keys belong to the password. */
export async function matchesPassword(hash: ScramHash, password: string, keys: ScramKeys): Promise<boolean> {
  const salted = await saltedPassword(hash, password, keys.salt, keys.iterations)
  const { storedKey } = scramKeysOfSalted(hash, salted, keys.salt, keys.iterations)
  return timingSafeEqual(storedKey, keys.storedKey)
}

/** The contents of a client's first message. */
interface ClientFirst {
  readonly username: string
  readonly nonce: string
  /** The message without its channel binding; it is part of what is signed. */
  readonly bare: string
}

/** The state of an exchange between its two messages. */
export interface ScramChallenge {
  readonly username: string
  /** The message for the client. */
  readonly message: string
  readonly hash: ScramHash
  readonly keys: ScramKeys
  readonly nonce: string
  /** The client's first message without its channel binding. */
  readonly bare: string
}

/** Returns the username in a client's first message. Throws {@link ScramError} if the message is malformed. */
export function scramUsername(message: string): string {
  return parseFirst(message).username
}

/** Answers a client's first message. `serverNonce` must be fresh and random. Throws {@link ScramError}. */
export function scramChallenge(hash: ScramHash, message: string, keys: ScramKeys, serverNonce: string): ScramChallenge {
  const { username, nonce, bare } = parseFirst(message)
  const joined = nonce + serverNonce
  const salt = Buffer.from(keys.salt).toString('base64')
  return { username, message: `r=${joined},s=${salt},i=${keys.iterations}`, hash, keys, nonce: joined, bare }
}

/** Checks a client's final message and returns the server's. Throws {@link ScramError} if the proof is wrong. */
export function scramVerify(challenge: ScramChallenge, message: string): string {
  const { hash, keys, nonce, bare, message: first } = challenge
  const match = /^(c=([A-Za-z0-9+/=]+),r=([^,]+)(?:,[^,]+)*),p=([A-Za-z0-9+/=]+)$/.exec(message)
  if (match === null) throw new ScramError('the final message of the client is not valid')
  const [, withoutProof, binding, sentNonce, proofText] = match
  if (
    !['n,,', 'y,,'].includes(
      Buffer.from(binding!, 'base64')
        .toString()
        .replace(/^([ny]),a=[^,]*,$/, '$1,,'),
    )
  ) {
    throw new ScramError('channel binding is not supported')
  }
  if (sentNonce !== nonce) throw new ScramError('the nonce does not match')
  const signed = `${bare},${first},${withoutProof}`
  const proof = Buffer.from(proofText!, 'base64')
  const signature = hmac(hash, keys.storedKey, signed)
  if (proof.length !== signature.length) throw new ScramError('the proof is wrong')
  const clientKey = proof.map((byte, index) => byte ^ signature[index]!)
  if (!timingSafeEqual(createHash(hash).update(clientKey).digest(), keys.storedKey)) {
    throw new ScramError('the proof is wrong')
  }
  return `v=${hmac(hash, keys.serverKey, signed).toString('base64')}`
}

/** A client violated the protocol, or does not know the password. */
export class ScramError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ScramError'
  }
}

function parseFirst(message: string): ClientFirst {
  const match = /^[ny],(?:a=[^,]*)?,(n=([^,]+),r=([\x21-\x2b\x2d-\x7e]+)((?:,[A-Za-z]=[^,]*|,tokenauth=[^,]*)*))$/.exec(
    message,
  )
  if (match === null) throw new ScramError('the first message of the client is not valid')
  const [, bare, name, nonce, extensions] = match
  if (/,m=/.test(extensions!)) throw new ScramError('mandatory extensions are not supported')
  if (/,tokenauth=true/.test(extensions!)) throw new ScramError('delegation tokens are not supported')
  if (/=(?!2C|3D)/.test(name!)) throw new ScramError('the username is not valid')
  return { username: name!.replaceAll('=2C', ',').replaceAll('=3D', '='), nonce: nonce!, bare: bare! }
}

function saltedPassword(hash: ScramHash, password: string, salt: Uint8Array, iterations: number): Promise<Buffer> {
  return derive(password, salt, iterations, hash === 'sha256' ? 32 : 64, hash)
}

function hmac(hash: ScramHash, key: Uint8Array, text: string): Buffer {
  return createHmac(hash, key).update(text).digest()
}
