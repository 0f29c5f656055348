import { type Clock, type Log, messageOf, type Random, waitOrAbort } from '../base/index.ts'
import { scramKeysOf } from '../kafka/index.ts'
import { type Metadata, storedScramKeys } from '../metadata/index.ts'

/** Credentials with which our own clients authenticate at a Kafka port that requires it. */
export interface Login {
  readonly username: string
  readonly password: string
}

/** How long a login is valid unless it is renewed, and how often logins in use are renewed, in milliseconds. */
const lifetimeMs = 60 * 60_000
const renewalMs = 20 * 60_000

/**
 * Logins of the agent itself and of its pipelines, one for each: created when it starts, renewed while it runs, deleted
 * when it ends. They are stored only in the cluster's metadata and by their owner. A login of an agent that died
 * expires.
 */
export class Logins {
  readonly #metadata: Metadata
  readonly #clock: Clock
  readonly #random: Random
  readonly #log: Log
  readonly #abort = new AbortController()
  readonly #renewals = new Map<string, () => Promise<void>>()

  constructor(options: {
    readonly metadata: Metadata
    readonly clock: Clock
    readonly random: Random
    readonly log: Log
  }) {
    this.#metadata = options.metadata
    this.#clock = options.clock
    this.#random = options.random
    this.#log = options.log
    void this.#maintain()
  }

  async create(): Promise<Login> {
    const hex = (count: number) => Buffer.from(this.#random.bytes(count)).toString('hex')
    const login = { username: `ccun_${hex(32)}`, password: hex(32) }
    const keys = storedScramKeys(await scramKeysOf('sha512', login.password, this.#random.bytes(16)))
    const save = () =>
      this.#metadata.putCredentials([
        {
          username: login.username,
          id: '',
          name: '',
          sha256: null,
          sha512: keys,
          superuser: true,
          expiresAt: this.#clock.now() + lifetimeMs,
        },
      ])
    await save()
    this.#renewals.set(login.username, save)
    return login
  }

  /** Deletes a login; one that cannot be deleted now expires later. */
  async remove({ username }: Login): Promise<void> {
    this.#renewals.delete(username)
    try {
      await this.#metadata.deleteCredentials([username])
    } catch (error) {
      this.#log.debug('a login is left to expire', { error: messageOf(error) })
    }
  }

  close(): void {
    this.#abort.abort()
  }

  async #maintain(): Promise<void> {
    const { signal } = this.#abort
    while (!signal.aborted) {
      await waitOrAbort(this.#clock, renewalMs, signal)
      if (signal.aborted) return
      try {
        for (const renew of this.#renewals.values()) await renew()
        await this.#metadata.expireCredentials()
      } catch (error) {
        this.#log.warn('failed to renew logins; will retry', { error: messageOf(error) })
      }
    }
  }
}
