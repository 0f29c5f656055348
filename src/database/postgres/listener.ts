import pg from 'pg'
import { systemClock, waitOrAbort } from '../../base/index.ts'
import { postgresError } from './errors.ts'

/** How soon a lost connection is re-established, in milliseconds. */
const RETRY_MS = 200

interface Channel {
  readonly onNotification: (payload: string) => void
  readonly onGap: () => void
}

/** A connection that receives notifications. It is opened for the first listener, and again when it breaks. */
export class Listener {
  readonly #config: pg.ClientConfig
  readonly #channels = new Map<string, Channel>()
  readonly #stop = new AbortController()
  #client: pg.Client | undefined
  #reconnecting: Promise<void> | undefined

  constructor(config: pg.ClientConfig) {
    this.#config = config
  }

  async listen(name: string, onNotification: (payload: string) => void, onGap: () => void): Promise<void> {
    this.#channels.set(name, { onNotification, onGap })
    try {
      if (this.#client === undefined) await this.#connect()
      else await this.#client.query(`LISTEN ${quoted(name)}`)
    } catch (cause) {
      this.#channels.delete(name)
      throw postgresError(cause, 'unreachable', 'cannot listen to the database')
    }
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#reconnecting
    await this.#client?.end()
  }

  async #connect(): Promise<void> {
    const client = new pg.Client(this.#config)
    client.on('error', () => {}) // 'end' follows
    client.on('notification', ({ channel, payload }) => this.#channels.get(channel)?.onNotification(payload ?? ''))
    await client.connect()
    try {
      for (const name of this.#channels.keys()) await client.query(`LISTEN ${quoted(name)}`)
    } catch (error) {
      await client.end()
      throw error
    }
    this.#client = client
    client.on('end', () => {
      this.#client = undefined
      if (!this.#stop.signal.aborted) this.#reconnecting ??= this.#reconnect()
    })
  }

  async #reconnect(): Promise<void> {
    const { signal } = this.#stop
    while (this.#client === undefined) {
      await waitOrAbort(systemClock, RETRY_MS, signal)
      if (signal.aborted) break
      try {
        await this.#connect()
      } catch {
        continue // still unreachable, which transactions report as well
      }
      for (const { onGap } of this.#channels.values()) onGap()
    }
    this.#reconnecting = undefined
  }
}

function quoted(channel: string): string {
  return `"${channel.replaceAll('"', '""')}"`
}
