import type { Clock, Random } from '../base/index.ts'
import type { Database } from '../database/index.ts'
import { authorize, type Caller, unrestricted } from './access.ts'
import { accessLevels } from './contract/access.ts'
import { ControlError } from './errors.ts'
import { newSecret } from './ids.ts'
import type { Keys } from './keys.ts'
import { hashSecret } from './sealing.ts'
import * as store from './store/store.ts'

const sessionMs = 30 * 24 * 3600 * 1000
/** Tokens are renewed while the process lives, so those of a killed process expire soon. */
const tokenMs = 24 * 3600 * 1000
const renewalMs = 3600 * 1000

export interface SessionsOptions {
  readonly database: Database
  readonly keys: Keys
  readonly clock: Clock
  readonly random: Random
}

/** Signed-in browsers. Sessions and sign-in tokens are stored hashed, so that every control plane knows all of them. */
export class Sessions {
  readonly #options: SessionsOptions
  #tokenRenewedAt = -Infinity
  /** Signs a browser in; part of the console's address that is printed at start. */
  readonly signInToken: string

  /** Creates a sign-in token and stores it. */
  static async open(options: SessionsOptions): Promise<Sessions> {
    const sessions = new Sessions(options)
    await sessions.maintain()
    return sessions
  }

  private constructor(options: SessionsOptions) {
    this.#options = options
    this.signInToken = newSecret('sks', options.random)
  }

  /** Creates a session for a sign-in token or the secret of an application key. */
  async signIn(
    token: string,
  ): Promise<{ readonly secret: string; readonly maxAgeMs: number; readonly caller: Caller }> {
    const { database, clock, random, keys } = this.#options
    const now = clock.now()
    const isToken = await database.transaction({ kind: 'read' }, sql =>
      store.hasSignInToken(sql, hashSecret(token), now),
    )
    const key = isToken ? undefined : await keys.authenticate(token)
    if (!isToken && key === undefined)
      throw new ControlError('invalid_api_key', 'the token is not valid: use the newest link that the program printed')
    const caller = key ?? unrestricted
    authorize(accessLevels.application, caller)
    const secret = newSecret('sks', random)
    await database.transaction({ kind: 'write' }, sql =>
      store.insertSession(sql, {
        secretHash: hashSecret(secret),
        keyId: key?.keyId ?? '',
        createdAt: now,
        expiresAt: now + sessionMs,
      }),
    )
    return { secret, maxAgeMs: sessionMs, caller }
  }

  /** The caller of a session; undefined if the session is unknown or has ended. */
  find(secret: string): Promise<Caller | undefined> {
    const { database, clock } = this.#options
    return database.transaction({ kind: 'read' }, async sql => {
      const session = await store.findSession(sql, hashSecret(secret), clock.now())
      if (session === undefined) return undefined
      if (session.keyId === '') return unrestricted
      const key = await store.findKey(sql, session.keyId)
      return key && { grants: key.grants }
    })
  }

  signOut(secret: string): Promise<void> {
    return this.#options.database.transaction({ kind: 'write' }, sql => store.deleteSession(sql, hashSecret(secret)))
  }

  /** Renews the sign-in token and deletes what has expired; cheap to call often. */
  async maintain(): Promise<void> {
    const { database, clock } = this.#options
    const now = clock.now()
    if (now - this.#tokenRenewedAt < renewalMs) return
    await database.transaction({ kind: 'write' }, async sql => {
      await store.deleteExpired(sql, now)
      await store.upsertSignInToken(sql, hashSecret(this.signInToken), now + tokenMs)
    })
    this.#tokenRenewedAt = now
  }

  /** Revokes the sign-in token. */
  close(): Promise<void> {
    return this.#options.database.transaction({ kind: 'write' }, sql =>
      store.deleteSignInToken(sql, hashSecret(this.signInToken)),
    )
  }
}
