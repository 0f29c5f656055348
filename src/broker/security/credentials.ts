import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { matchesPassword, type ScramHash, type ScramKeys } from './scram.ts'

/** What is kept of a user's password. A user of the HTTP API has both hashes, one made by Kafka's own tools perhaps one. */
export interface Credential {
  readonly username: string
  readonly sha256?: ScramKeys
  readonly sha512?: ScramKeys
  /** Bypasses ACLs. */
  readonly superuser: boolean
  /** Milliseconds since 1970 after which it is refused; undefined where it does not end. */
  readonly expiresAt?: number
}

/** Where a broker looks credentials up. */
export interface CredentialStore {
  find(username: string): Credential | undefined | Promise<Credential | undefined>
}

/** Checking a password takes milliseconds of hashing, which a storm of reconnecting clients must not pay each time. */
const MAX_REMEMBERED = 1000

/** Checks passwords in clear (SASL PLAIN), and remembers which ones were right by a hash of its own. */
export class PasswordCheck {
  readonly #key = randomBytes(32)
  readonly #known = new Map<string, { readonly digest: Buffer; readonly keys: ScramKeys }>()

  async matches(credential: Credential, password: string): Promise<boolean> {
    const hash: ScramHash = credential.sha512 === undefined ? 'sha256' : 'sha512'
    const keys = credential[hash]
    if (keys === undefined) return false
    const digest = createHmac('sha256', this.#key).update(password).digest()
    const known = this.#known.get(credential.username)
    // Other keys mean another password by now.
    if (known !== undefined && known.keys === keys && timingSafeEqual(known.digest, digest)) return true
    if (!(await matchesPassword(hash, password, keys))) return false
    if (this.#known.size >= MAX_REMEMBERED) this.#known.delete(this.#known.keys().next().value!)
    this.#known.set(credential.username, { digest, keys })
    return true
  }
}
