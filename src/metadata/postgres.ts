import { type Clock, type Log, type Random, systemClock, uuid, waitOrAbort } from '../base/index.ts'
import { openPostgres, type PostgresDatabase } from '../database/index.ts'
import { metadataError } from './calls.ts'
import { MetadataClient } from './client.ts'
import type { Metadata } from './metadata.ts'
import { PostgresFeed } from './postgres-feed.ts'
import { MetadataService } from './service.ts'
import type { Transport } from './transport.ts'

interface PostgresMetadataOptions {
  /** As `openPostgres` takes it. */
  readonly url: string
  /** The schema of the cluster; `public` by default. */
  readonly schema?: string
  readonly connections?: number
  /** Where time comes from; the database's own clock by default. */
  readonly clock?: Clock
  readonly random: Random
  readonly log: Log
}

/** Opens the metadata of a cluster in PostgreSQL, which any number of processes may have open. */
export async function openPostgresMetadata(options: PostgresMetadataOptions): Promise<Metadata> {
  return MetadataClient.open(await openPostgresTransport(options), options)
}

export async function openPostgresTransport(options: PostgresMetadataOptions): Promise<Transport> {
  const { random, log } = options
  try {
    const database = await openPostgres(options)
    const feed = await PostgresFeed.open(database, uuid(random), log)
    if (options.clock !== undefined) return await MetadataService.open(database, options.clock, feed)
    const clock = await DatabaseClock.open(database, log)
    const service = await MetadataService.open(database, clock, feed)
    return withClock(service, clock)
  } catch (error) {
    throw metadataError(error)
  }
}

/** How often the clock is compared with the database's. */
const CALIBRATION_MS = 60_000

/** The time of the database, carried on between two looks at it by the monotonic time of this process. */
class DatabaseClock implements Clock {
  readonly #database: PostgresDatabase
  readonly #log: Log
  readonly #stop = new AbortController()
  readonly #calibrating: Promise<void>
  #offsetMs: number

  static async open(database: PostgresDatabase, log: Log): Promise<DatabaseClock> {
    return new DatabaseClock(database, log, await offsetOf(database))
  }

  private constructor(database: PostgresDatabase, log: Log, offsetMs: number) {
    this.#database = database
    this.#log = log
    this.#offsetMs = offsetMs
    this.#calibrating = this.#calibrateUntilStopped()
  }

  now(): number {
    return Math.floor(systemClock.monotonic() + this.#offsetMs)
  }

  monotonic(): number {
    return systemClock.monotonic()
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return systemClock.sleep(ms, signal)
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#calibrating
  }

  async #calibrateUntilStopped(): Promise<void> {
    for (;;) {
      await waitOrAbort(systemClock, CALIBRATION_MS, this.#stop.signal)
      if (this.#stop.signal.aborted) return
      try {
        this.#offsetMs = await offsetOf(this.#database)
      } catch (error) {
        this.#log.warn('the clock of the database could not be read', { error: String(error) })
      }
    }
  }
}

/** What to add to this process's monotonic time. Never too much: the answer is older than the moment it is compared with. */
async function offsetOf(database: PostgresDatabase): Promise<number> {
  const [row] = await database.transaction({ kind: 'read' }, sql =>
    sql.all<{ now: number }>('SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS bigint) AS now'),
  )
  return row!.now - systemClock.monotonic()
}

function withClock(service: MetadataService, clock: DatabaseClock): Transport {
  return {
    call: (name, ...values) => service.call(name, ...values),
    onChange: listener => service.onChange(listener),
    onLost: listener => service.onLost(listener),
    close: async () => {
      await clock.close()
      await service.close()
    },
  }
}
