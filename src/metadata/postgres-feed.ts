import type { Log } from '../base/index.ts'
import { DatabaseError, type PostgresDatabase } from '../database/index.ts'
import type { Appended, PartitionId } from './metadata.ts'
import type { Feed } from './service.ts'
import type { Change } from './transport.ts'

const CHANNEL = 'metadata'

/** Maximum size in bytes of the partitions in one notification; PostgreSQL accepts less than 8000 in all. */
const MAX_PARTITIONS_BYTES = 6800

/** Partition, log start, high watermark, last stable offset, bytes of the log, bytes appended. */
type AppendedRow = readonly [PartitionId, number, number, number, number, number]

/** Payload: the sender, and either partitions or the version of the catalog. */
interface Notification {
  readonly from: string
  readonly appended?: readonly AppendedRow[]
  readonly catalogVersion?: number
}

/**
 * Propagates changes between processes with LISTEN and NOTIFY. A notification is sent after the commit, in
 * a transaction of its own: notifying within the commit would serialise all commits of the database.
 * Processes that miss one poll after a while.
 */
export class PostgresFeed implements Feed {
  readonly #database: PostgresDatabase
  /** Distinguishes our own notifications, which come back, from others'. */
  readonly #id: string
  readonly #log: Log
  readonly #listeners = new Set<(change: Change) => void>()
  /** Changes queued behind the notification in progress. */
  readonly #appended = new Map<PartitionId, AppendedRow>()
  #catalogVersion: number | undefined
  #sending: Promise<void> | undefined

  static async open(database: PostgresDatabase, id: string, log: Log): Promise<PostgresFeed> {
    const feed = new PostgresFeed(database, id, log)
    await database.listen(
      CHANNEL,
      payload => feed.#onNotification(payload),
      () => feed.#notify({ isAfterGap: true }),
    )
    return feed
  }

  private constructor(database: PostgresDatabase, id: string, log: Log) {
    this.#database = database
    this.#id = id
    this.#log = log
  }

  publish({ appended = [], catalogVersion }: Change): void {
    for (const one of appended) {
      const row = rowOf(one)
      const waiting = this.#appended.get(one.partition)
      this.#appended.set(one.partition, waiting === undefined ? row : merged(waiting, row))
    }
    this.#catalogVersion = catalogVersion ?? this.#catalogVersion
    this.#sending ??= this.#send()
  }

  onChange(listener: (change: Change) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async close(): Promise<void> {
    await this.#sending
  }

  async #send(): Promise<void> {
    while (this.#appended.size > 0 || this.#catalogVersion !== undefined) {
      try {
        await this.#database.notify(CHANNEL, JSON.stringify(this.#next()))
      } catch (error) {
        if (!(error instanceof DatabaseError)) throw error
        this.#log.warn('could not notify other processes of a change', { error: error.message })
      }
    }
    this.#sending = undefined
  }

  #next(): Notification {
    const catalogVersion = this.#catalogVersion
    this.#catalogVersion = undefined
    const appended: AppendedRow[] = []
    let bytes = 0
    for (const [partition, row] of this.#appended) {
      bytes += JSON.stringify(row).length + 1
      if (bytes > MAX_PARTITIONS_BYTES) break
      appended.push(row)
      this.#appended.delete(partition)
    }
    return { from: this.#id, catalogVersion, appended }
  }

  #onNotification(payload: string): void {
    // Only #send writes to the channel.
    const { from, appended = [], catalogVersion } = JSON.parse(payload) as Notification
    if (from === this.#id) return
    this.#notify({
      catalogVersion,
      appended: appended.map(
        ([partition, logStartOffset, highWatermark, lastStableOffset, sizeBytes, appendedBytes]): Appended => ({
          partition,
          logStartOffset,
          highWatermark,
          lastStableOffset,
          sizeBytes,
          appendedBytes,
          extents: [],
          aborted: [],
        }),
      ),
    })
  }

  #notify(change: Change): void {
    for (const listener of this.#listeners) listener(change)
  }
}

function rowOf(appended: Appended): AppendedRow {
  const { partition, logStartOffset, highWatermark, lastStableOffset, sizeBytes, appendedBytes } = appended
  return [partition, logStartOffset, highWatermark, lastStableOffset, sizeBytes, appendedBytes]
}

/** The bounds of the row with the higher watermark, and the bytes of both. */
function merged(one: AppendedRow, other: AppendedRow): AppendedRow {
  const [partition, logStart, highWatermark, lastStable, sizeBytes] = one[2] > other[2] ? one : other
  return [partition, logStart, highWatermark, lastStable, sizeBytes, one[5] + other[5]]
}
