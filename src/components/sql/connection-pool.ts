import type { Clock } from '../../base/index.ts'
import { NotConnectedError } from '../../engine/index.ts'
import type { ConnectionConfig } from './connection.ts'

/** Connections beyond `conn_max_idle` are kept this long, so that a steady load does not open one per statement. */
const SURPLUS_IDLE_MS = 5000
/** Attempts at a statement whose connection breaks, as in Go's `database/sql`. */
const MAX_ATTEMPTS = 3

/** What a pool needs to know of a connection. */
export interface Pooled {
  /** False once the connection is known to be broken. */
  readonly isAlive: boolean
  /** Ends the connection, and fails a statement that runs on it. */
  close(): void
}

interface Member<Connection> {
  readonly connection: Connection
  readonly openedAtMs: number
  idleSinceMs: number
}

interface Waiting<Connection> {
  readonly resolve: (member: Member<Connection> | null) => void
  readonly reject: (error: Error) => void
}

/** Connections with the limits of `conn_max_*`, for clients that have no pool of their own. */
export class ConnectionPool<Connection extends Pooled> {
  readonly #open: () => Promise<Connection>
  readonly #clock: Clock
  readonly #maxOpen: number
  readonly #maxIdle: number
  readonly #idleMs: number
  readonly #lifeMs: number
  readonly #idle: Member<Connection>[] = []
  readonly #inUse = new Set<Member<Connection>>()
  readonly #waiting: Waiting<Connection>[] = []
  readonly #closing = new AbortController()
  /** Connections that are open or being opened. */
  #count = 0
  #sweeping: Promise<void> | null = null

  constructor(open: () => Promise<Connection>, config: ConnectionConfig, clock: Clock) {
    const { conn_max_open: maxOpen = 0, conn_max_idle: maxIdle = 2 } = config
    const { conn_max_idle_time: idleMs = 0, conn_max_life_time: lifeMs = 0 } = config
    this.#open = open
    this.#clock = clock
    this.#maxOpen = maxOpen > 0 ? maxOpen : Number.POSITIVE_INFINITY
    this.#maxIdle = Math.max(maxIdle, 0)
    this.#idleMs = idleMs > 0 ? idleMs : Number.POSITIVE_INFINITY
    this.#lifeMs = lifeMs > 0 ? lifeMs : Number.POSITIVE_INFINITY
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted
  }

  /** Runs `work` on a connection, and again on another one if it rejects with `NotConnectedError`. */
  async use<Result>(work: (connection: Connection) => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      const lease = await this.lease()
      let isBroken = true
      try {
        const result = await work(lease.connection)
        isBroken = false
        return result
      } catch (error) {
        isBroken = error instanceof NotConnectedError
        if (!isBroken || attempt === MAX_ATTEMPTS || this.isClosed) throw error
      } finally {
        lease.release(isBroken)
      }
    }
  }

  /** A connection until it is released. Rejects if none can be opened. */
  async lease(): Promise<{ readonly connection: Connection; release(isBroken: boolean): void }> {
    const member = await this.#take()
    return { connection: member.connection, release: isBroken => this.#release(member, isBroken) }
  }

  /** Statements in flight fail: their outcome is unknown. */
  async close(): Promise<void> {
    this.#closing.abort()
    for (const waiting of this.#waiting.splice(0)) waiting.reject(closed())
    for (const { connection } of [...this.#idle.splice(0), ...this.#inUse]) connection.close()
    await this.#sweeping
  }

  async #take(): Promise<Member<Connection>> {
    if (this.isClosed) throw closed()
    for (let member = this.#idle.pop(); member !== undefined; member = this.#idle.pop()) {
      // Expired connections are closed lazily, before reuse, as in Go's `database/sql`.
      const hasIdledTooLong = this.#clock.monotonic() - member.idleSinceMs >= this.#idleMs
      if (!hasIdledTooLong && this.#isUsable(member)) return this.#lend(member)
      this.#discard(member)
    }
    if (this.#count >= this.#maxOpen) {
      const { promise, resolve, reject } = Promise.withResolvers<Member<Connection> | null>()
      this.#waiting.push({ resolve, reject })
      const given = await promise
      if (given !== null) return given
      // A connection was closed instead of being returned; its place is reserved for this caller.
      return this.#openMember()
    }
    this.#count++
    return this.#openMember()
  }

  /** Opens a connection that is already counted. */
  async #openMember(): Promise<Member<Connection>> {
    let connection: Connection
    try {
      connection = await this.#open()
    } catch (error) {
      this.#freePlace()
      throw error
    }
    const now = this.#clock.monotonic()
    const member = { connection, openedAtMs: now, idleSinceMs: now }
    if (!this.isClosed) return this.#lend(member)
    connection.close()
    throw closed()
  }

  #lend(member: Member<Connection>): Member<Connection> {
    this.#inUse.add(member)
    return member
  }

  #release(member: Member<Connection>, isBroken: boolean): void {
    this.#inUse.delete(member)
    if (this.isClosed) return member.connection.close()
    if (isBroken || !this.#isUsable(member)) return this.#discard(member)
    const next = this.#waiting.shift()
    if (next !== undefined) return next.resolve(this.#lend(member))
    member.idleSinceMs = this.#clock.monotonic()
    this.#idle.push(member)
    if (this.#idle.length > this.#maxIdle) this.#sweeping ??= this.#sweep().finally(() => (this.#sweeping = null))
  }

  #discard({ connection }: Member<Connection>): void {
    connection.close()
    this.#freePlace()
  }

  #freePlace(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#count--
    else next.resolve(null)
  }

  #isUsable({ connection, openedAtMs }: Member<Connection>): boolean {
    return connection.isAlive && this.#clock.monotonic() - openedAtMs < this.#lifeMs
  }

  /** Closes connections beyond `conn_max_idle` once they have been idle for a while. */
  async #sweep(): Promise<void> {
    while (this.#idle.length > this.#maxIdle) {
      const oldest = this.#idle[0]!
      const waitMs = oldest.idleSinceMs + SURPLUS_IDLE_MS - this.#clock.monotonic()
      if (waitMs > 0) {
        try {
          await this.#clock.sleep(waitMs, this.#closing.signal)
        } catch (error) {
          if (!this.isClosed) throw error
          return
        }
        continue
      }
      this.#idle.shift()
      this.#discard(oldest)
    }
  }
}

function closed(): Error {
  return new Error('the connection to the database is closed')
}
