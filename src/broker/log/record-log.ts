import type { Clock, Log, Random } from '../../base/index.ts'
import {
  type Appended,
  type Catalog,
  type Metadata,
  MetadataError,
  type PartitionBounds,
  type PartitionId,
  type Topic,
  type TransactionEnd,
} from '../../metadata/index.ts'
import { type ObjectReads, type ObjectStore, StorageError } from '../../storage/index.ts'
import type { TopicConfig } from '../topic-config.ts'
import { AppendWaiters } from './append-waiters.ts'
import { Appender, type ObjectStages } from './appender.ts'
import type { LogConfig } from './config.ts'
import { CommitNotes, NOTES_FOLDER } from './commit-notes.ts'
import { ExtentCache } from './extent-cache.ts'
import { FetchSessions } from './fetch-sessions.ts'
import type { Append, AppendOutcome } from './flush-buffer.ts'
import { Housekeeping } from './housekeeping.ts'
import { type Compress, compressInThreads } from './manifest.ts'
import { markerAppends } from './markers.ts'
import { type Fetched, type FetchLimits, type FetchQuery, Reader } from './reader.ts'
import { type Holds, SlabPool } from './slabs.ts'
import { Tails } from './tails.ts'
import { type TimedOffset, TimeLookup } from './time-lookup.ts'

export interface RecordLogOptions {
  readonly metadata: Metadata
  readonly store: ObjectStore
  /** Where ranges of objects are read from; defaults to the store. */
  readonly reads?: ObjectReads
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly config: LogConfig
  /** Records the durations of the stages of objects, if given. */
  readonly stages?: ObjectStages
  /** Defaults to the system's threads. */
  readonly compress?: Compress
  /** A topic's effective configs. */
  readonly topicConfig: (topic: Topic) => TopicConfig
}

/** Number of producer ids that are reserved together. */
const PRODUCER_ID_BLOCK = 1000

/** Opens the log over an object store; one process may have several. */
export async function openRecordLog(options: RecordLogOptions): Promise<RecordLog> {
  return new RecordLog(options, await options.metadata.openEpoch())
}

/**
 * The partitions' records: in an object store, in the order assigned by the metadata. An acknowledged record is in
 * both; a record that is read has been acknowledged or is about to be.
 */
export class RecordLog {
  /** The state of clients' incremental fetches. */
  readonly sessions: FetchSessions
  readonly #metadata: Metadata
  readonly #log: Log
  readonly #clock: Clock
  readonly #congestionBytes: number
  readonly #tails: Tails
  readonly #cache: ExtentCache
  readonly #waiters: AppendWaiters
  readonly #appender: Appender
  readonly #notes: CommitNotes
  readonly #reader: Reader
  readonly #times: TimeLookup
  readonly #housekeeping: Housekeeping
  readonly #stopListening: readonly (() => void)[]
  #producerIds: { next: number; end: number } = { next: 0, end: 0 }
  #reservation: Promise<void> | undefined

  constructor(options: RecordLogOptions, epoch: number) {
    const { metadata, store, reads = store, clock, random, log, config, topicConfig } = options
    this.sessions = new FetchSessions(clock, random)
    this.#metadata = metadata
    this.#clock = clock
    this.#congestionBytes = config.congestionBytes
    this.#tails = new Tails(clock)
    this.#log = log
    const slabs = new SlabPool(config.cacheBytes)
    this.#cache = new ExtentCache(reads, config.cacheBytes, slabs)
    this.#waiters = new AppendWaiters(clock)
    this.#appender = new Appender({ metadata, store, clock, log, config, epoch, slabs, stages: options.stages })
    this.#notes = new CommitNotes(store)
    this.#reader = new Reader(metadata, this.#tails, this.#cache, this.#waiters, clock, log)
    this.#times = new TimeLookup(metadata, async (extent, holds) => (await this.#cache.load([extent], holds))[0]!)
    this.#stopListening = [
      metadata.onAppend((appended, isOwn) => {
        if (isOwn) this.#notes.add(appended)
        this.#appended(appended)
      }),
      metadata.onTopicsChanged(catalog => this.#topicsChanged(catalog)),
    ]
    this.#housekeeping = new Housekeeping(metadata, store, clock, log, config, topicConfig, slabs, {
      epoch: () => this.#appender.epoch,
      newObject: () => this.#appender.newObject(),
      load: (extents, holds) => this.#reader.load(extents, holds),
      changeEpoch: () => this.#appender.changeEpoch(),
      noteCommits: () => this.#noteCommits(),
      boundsChanged: partitions => this.#boundsChanged(partitions),
      recordsMoved: partition => this.#reader.forget(partition),
      compress: options.compress ?? compressInThreads,
    })
  }

  /** Bytes of records that are neither committed nor refused yet; above the configured limit, more are refused. */
  get bufferedBytes(): number {
    return this.#appender.bufferedBytes
  }

  /**
   * Whether too much is waiting to be committed: connections should then wait for
   * earlier batches before reading further ones.
   */
  get isCongested(): boolean {
    return this.#appender.bufferedBytes > this.#congestionBytes
  }

  /** Bytes in the cache. */
  get cachedBytes(): number {
    return this.#cache.sizeBytes
  }

  /**
   * Stores the batches of one request. Their position among all others is fixed before this returns; the promise
   * resolves when each of them is durable and visible, or refused, and never rejects.
   */
  append(appends: readonly Append[]): Promise<AppendOutcome[]> {
    return this.#appender.append(appends)
  }

  /**
   * Marks the end of a transaction in all of its partitions with one commit: either all have their marker and the
   * transaction has ended, or nothing has happened, as far as the outcome is known. It never rejects.
   */
  endTransaction(
    end: TransactionEnd,
    partitions: readonly PartitionId[],
    coordinatorEpoch: number,
  ): Promise<AppendOutcome[]> {
    return this.#appender.append(markerAppends(end, partitions, coordinatorEpoch, this.#clock.now()))
  }

  /**
   * Reads from partitions, which use up the limits in order; waits for records as the limits say. The returned records
   * do not change until `holds` are released; without `holds` they never change.
   */
  fetch(queries: readonly FetchQuery[], limits: FetchLimits, signal: AbortSignal, holds?: Holds): Promise<Fetched[]> {
    return this.#reader.fetch(queries, limits, signal, holds)
  }

  /** The current bounds of partitions; null for those that do not exist. */
  async bounds(partitions: readonly PartitionId[]): Promise<(PartitionBounds | null)[]> {
    const bounds = await this.#metadata.bounds(partitions)
    bounds.forEach((one, index) => {
      if (one) this.#tails.learned(partitions[index]!, one)
    })
    return bounds
  }

  /** The first record in [from, end) with this timestamp or a later one. */
  firstSince(partition: PartitionId, timestamp: number, from: number, end: number): Promise<TimedOffset | undefined> {
    return this.#times.firstSince(partition, timestamp, from, end)
  }

  /** The first of the records in [from, end) with the largest timestamp. */
  latest(partition: PartitionId, from: number, end: number): Promise<TimedOffset | undefined> {
    return this.#times.latest(partition, from, end)
  }

  /** Makes all records before an offset unreadable (DeleteRecords); their space is freed later. */
  async deleteBefore(
    changes: readonly { partition: PartitionId; offset: number }[],
  ): Promise<(PartitionBounds | null)[]> {
    const bounds = await this.#metadata.advanceLogStart(changes)
    bounds.forEach((one, index) => {
      if (one) this.#tails.learned(changes[index]!.partition, one)
    })
    return bounds
  }

  /** Returns an unused producer id. */
  async newProducerId(): Promise<number> {
    while (this.#producerIds.next >= this.#producerIds.end) {
      this.#reservation ??= this.#reserveProducerIds().finally(() => {
        this.#reservation = undefined
      })
      await this.#reservation
    }
    return this.#producerIds.next++
  }

  /** Runs one round of maintenance immediately instead of on schedule. */
  runMaintenance(): Promise<void> {
    return this.#housekeeping.round()
  }

  /** Answers waiting requests, finishes what was accepted, and closes the upload epoch. */
  async close(): Promise<void> {
    this.#waiters.close()
    await this.#housekeeping.close()
    await this.#appender.close()
    for (const stop of this.#stopListening) stop()
    try {
      await this.#noteCommits()
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      this.#log.warn('the latest commits could not be noted', { error: error.message })
    }
    try {
      await this.#metadata.closeEpoch(this.#appender.epoch)
    } catch (error) {
      // Other processes close the epoch once it is no longer renewed.
      if (!(error instanceof MetadataError)) throw error
      this.#log.warn('the upload epoch could not be closed and will expire', { error: error.message })
    }
  }

  #noteCommits(): Promise<void> {
    return this.#notes.write(() => this.#appender.newObject(NOTES_FOLDER).key)
  }

  /** Called for each commit before any answer: caches what this process wrote, then wakes readers. */
  #appended(appended: readonly Appended[]): void {
    const byObject = Map.groupBy(
      appended.flatMap(({ extents }) => extents),
      ({ key }) => key,
    )
    for (const [key, extents] of byObject) {
      const body = this.#appender.recordsOf(key)
      if (body) this.#cache.insert(body.bytes, 0, extents, body.slab)
    }
    for (const one of appended) {
      const freesMore = this.#tails.appended(one)
      this.#waiters.appended(one.partition, freesMore ? Infinity : one.appendedBytes)
    }
  }

  #topicsChanged(catalog: Catalog): void {
    const living = new Set([...catalog.byId.values()].flatMap(({ partitions }) => partitions))
    for (const partition of this.#tails.partitions()) {
      if (living.has(partition)) continue
      this.#reader.forget(partition)
      this.#waiters.appended(partition, Number.POSITIVE_INFINITY)
    }
  }

  async #boundsChanged(partitions: readonly PartitionId[]): Promise<void> {
    const known = partitions.filter(partition => this.#tails.get(partition))
    if (known.length > 0) await this.bounds(known)
  }

  async #reserveProducerIds(): Promise<void> {
    const next = await this.#metadata.allocateProducerIds(PRODUCER_ID_BLOCK)
    this.#producerIds = { next, end: next + PRODUCER_ID_BLOCK }
  }
}
