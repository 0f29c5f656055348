import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../../base/index.ts'
import { type Metadata, type StoredCredential, usableScramKeys } from '../../metadata/index.ts'
import { matchesPassword, type ScramHash, type ScramKeys } from '../../kafka/index.ts'

/**
 * A user's stored credential. A user of the HTTP API has both hashes, one
 * created by Kafka's own tools perhaps only one.
 */
export interface Credential {
  readonly username: string
  readonly sha256?: ScramKeys
  readonly sha512?: ScramKeys
  /** Additional names of the user, which ACLs may use. */
  readonly aliases?: readonly string[]
  /** Bypasses ACLs. */
  readonly superuser: boolean
  /** Milliseconds since 1970 after which it is refused; undefined if it does not expire. */
  readonly expiresAt?: number
}

/** Where a broker looks up credentials. */
export interface CredentialStore {
  find(username: string): Credential | undefined | Promise<Credential | undefined>
}

/**
 * Bounds the cache of checked passwords: each check takes milliseconds of hashing, too much for a storm of reconnects.
 */
const MAX_REMEMBERED = 1000

/** Checks plain-text passwords (SASL PLAIN), and remembers correct ones by a separate hash. */
export class PasswordCheck {
  readonly #key = randomBytes(32)
  readonly #known = new Map<string, { readonly digest: Buffer; readonly keys: ScramKeys }>()

  async matches(credential: Credential, password: string): Promise<boolean> {
    const hash: ScramHash = credential.sha512 === undefined ? 'sha256' : 'sha512'
    const keys = credential[hash]
    if (keys === undefined) return false
    const digest = createHmac('sha256', this.#key).update(password).digest()
    const known = this.#known.get(credential.username)
    // Different keys mean that the password has changed.
    if (known !== undefined && known.keys === keys && timingSafeEqual(known.digest, digest)) return true
    if (!(await matchesPassword(hash, password, keys))) return false
    if (this.#known.size >= MAX_REMEMBERED) this.#known.delete(this.#known.keys().next().value!)
    this.#known.set(credential.username, { digest, keys })
    return true
  }
}

/** How long a credential is used without reading it again, in milliseconds. */
const FRESH_MS = 1_000

/** The users of the cluster, read from the metadata and cached briefly. */
export class ClusterCredentials implements CredentialStore {
  readonly #metadata: Pick<Metadata, 'findCredential'>
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #found = new Map<string, { readonly credential: Credential | undefined; readonly at: number }>()

  constructor(metadata: Pick<Metadata, 'findCredential'>, clock: Pick<Clock, 'monotonic'>) {
    this.#metadata = metadata
    this.#clock = clock
  }

  async find(username: string): Promise<Credential | undefined> {
    const known = this.#found.get(username)
    const now = this.#clock.monotonic()
    if (known !== undefined && now - known.at < FRESH_MS) return known.credential
    const stored = await this.#metadata.findCredential(username)
    const read = stored === null ? undefined : credentialOf(stored)
    // Unchanged keys stay the same object, so that passwords checked with them are still recognised.
    const credential = isDeepStrictEqual(read, known?.credential) ? known?.credential : read
    if (this.#found.size >= MAX_REMEMBERED) this.#found.delete(this.#found.keys().next().value!)
    this.#found.set(username, { credential, at: now })
    return credential
  }
}

function credentialOf({ username, name, sha256, sha512, superuser, expiresAt }: StoredCredential): Credential {
  return {
    username,
    // The HTTP API's credentials are named `ccn_name`; ACLs may use the name with or without the prefix.
    ...(name === '' ? {} : { aliases: [name, name.replace(/^ccn_/, '')] }),
    ...(sha256 === null ? {} : { sha256: usableScramKeys(sha256) }),
    ...(sha512 === null ? {} : { sha512: usableScramKeys(sha512) }),
    superuser,
    ...(expiresAt === null ? {} : { expiresAt }),
  }
}

/** The SCRAM hashes by their numbers in Kafka's protocol. */
export const scramMechanisms = [
  { hash: 'sha256', mechanism: 1 },
  { hash: 'sha512', mechanism: 2 },
] as const
