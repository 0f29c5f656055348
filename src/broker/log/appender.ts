import type { Clock, Log } from '../../base/index.ts'
import { type Metadata, MetadataError } from '../../metadata/index.ts'
import { type ObjectStore, StorageError } from '../../storage/index.ts'
import { largeBytes, type LogConfig, overlapLingerMs } from './config.ts'
import { type Append, type AppendOutcome, FlushBuffer, STORAGE_ERROR } from './flush-buffer.ts'
import type { Piece, SlabPool } from './slabs.ts'
import { type IndexedRun, writeObjectIndex } from './object-index.ts'

/** The folder of all objects that hold records, with one subfolder per upload epoch. */
export const OBJECTS_FOLDER = 'data'

/** Maximum number of objects that share one commit. */
const MAX_COMMIT_OBJECTS = 64

/** Without a reason, each of the many timers that are replaced would create an error with its stack. */
const timerReplaced = 'replaced'

/** Weight of the latest object in the smoothed duration of objects. */
const SMOOTHING = 0.1

/** A closed buffer in progress: first to the store, then to the metadata. */
interface Flight {
  readonly buffer: FlushBuffer
  readonly key: string
  readonly epoch: number
  readonly bytes: Buffer
  /** The part of the bytes before the object's self-description. */
  readonly records: Piece
  readonly done: Promise<void>
  readonly finish: () => void
  /** When the buffer was closed and when the current stage began, in monotonic milliseconds. */
  readonly startedAt: number
  stageAt: number
  state: 'uploading' | 'uploaded' | 'failed'
}

/** Durations of the stages of objects. */
export type ObjectStages = Readonly<Record<'flush' | 'put' | 'commit', { observe(ms: number): void }>>

interface AppenderOptions {
  readonly metadata: Metadata
  readonly store: ObjectStore
  readonly clock: Clock
  readonly log: Log
  readonly config: LogConfig
  readonly epoch: number
  readonly slabs: SlabPool
  readonly stages: ObjectStages | undefined
}

/**
 * Accepts batches, writes them to the store in few large objects, commits these in the order in which their buffers
 * were opened, and only then answers. Several objects are written concurrently, but no commit overtakes another, so
 * that the batches of a producer stay in order.
 */
export class Appender {
  readonly #metadata: Metadata
  readonly #store: ObjectStore
  readonly #clock: Clock
  readonly #log: Log
  readonly #config: LogConfig
  readonly #closing = new AbortController()
  readonly #slabs: SlabPool
  readonly #stages: ObjectStages | undefined
  #epoch: number
  #nextObject = 0
  #open: FlushBuffer | undefined
  #timer: AbortController | undefined
  #timerEndsAt = Number.POSITIVE_INFINITY
  readonly #flights: Flight[] = []
  #uploads = 0
  #isCommitting = false
  #bufferedBytes = 0
  /** Number of requests that the last commits answered together: their clients are likely to send as many again. */
  #expectedRequests = 1
  /** When those commits were answered, in monotonic milliseconds. */
  #idleSince = 0
  #flushesSoon = false
  /** Smoothed time from an object's flush to its commit, in milliseconds; initially unknown. */
  #usualFlightMs = Number.POSITIVE_INFINITY

  constructor({ metadata, store, clock, log, config, epoch, slabs, stages }: AppenderOptions) {
    this.#metadata = metadata
    this.#store = store
    this.#clock = clock
    this.#log = log
    this.#config = config
    this.#epoch = epoch
    this.#slabs = slabs
    this.#stages = stages
  }

  /** The upload epoch under which objects are currently written. */
  get epoch(): number {
    return this.#epoch
  }

  /** Bytes of records that are neither committed nor refused yet. */
  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  /**
   * Stores the batches of one request. Their position among all others is fixed before this returns; the promise
   * resolves when each of them is committed or refused, and never rejects.
   */
  append(appends: readonly Append[]): Promise<AppendOutcome[]> {
    if (appends.length === 0) return Promise.resolve([])
    if (this.#closing.signal.aborted || this.#bufferedBytes > this.#config.maxBufferedBytes) {
      return Promise.resolve(appends.map(() => STORAGE_ERROR))
    }
    this.#open ??= new FlushBuffer(this.#clock.monotonic())
    const before = this.#open.sizeBytes
    const outcomes = this.#open.add(appends)
    this.#bufferedBytes += this.#open.sizeBytes - before
    this.#considerFlush()
    return outcomes
  }

  /** The records of an object that is being committed. */
  recordsOf(key: string): Piece | undefined {
    return this.#flights.find(flight => flight.key === key)?.records
  }

  /** Returns an unused object key, and the epoch under which the object must be committed. */
  newObject(folder = OBJECTS_FOLDER): { key: string; epoch: number } {
    const name = String(this.#nextObject++).padStart(10, '0')
    return { key: `${folder}/${this.#epoch}/${name}`, epoch: this.#epoch }
  }

  /** Switches to a new epoch; the commits of objects in progress under the old one will be refused. */
  async changeEpoch(): Promise<void> {
    this.#epoch = await this.#metadata.openEpoch()
    this.#nextObject = 0
  }

  /** Stops accepting batches; writes and commits those already accepted. */
  async close(): Promise<void> {
    this.#closing.abort()
    if (this.#open) this.#flush()
    while (this.#flights.length > 0) await this.#flights.at(-1)!.done
  }

  /**
   * Decides whether the open buffer waits. While no write is in progress, it waits briefly for other
   * requests, but not once as many have arrived as were answered last. During other writes it keeps
   * filling, so the objects grow with the load.
   */
  #considerFlush(): void {
    const buffer = this.#open
    if (!buffer || this.#uploads >= this.#config.maxUploads) return
    const isIdle = this.#flights.length === 0
    const lingerMs = isIdle ? this.#config.lingerMs : overlapLingerMs(this.#config, this.#usualFlightMs)
    // Clients that were just answered get the same time to return that a first request gives to others.
    const waitsSince = isIdle && this.#config.isEager ? Math.max(buffer.openedAt, this.#idleSince) : buffer.openedAt
    const ageMs = this.#clock.monotonic() - waitsSince
    const isLarge = buffer.sizeBytes >= largeBytes(this.#config, isIdle ? Infinity : this.#uploads)
    if (isLarge || ageMs >= lingerMs || this.#closing.signal.aborted) return this.#flush()
    if (isIdle && this.#config.isEager && this.#hasArrived(buffer)) return this.#flushSoon()
    const endsAt = waitsSince + lingerMs
    // A timer that fires early only checks again; one that would fire too late is
    // replaced, because the log has become idle.
    if (endsAt < this.#timerEndsAt) this.#startTimer(endsAt, lingerMs - ageMs)
  }

  /**
   * Whether an idle log has received what it expects, or half of it if that is large: then the other half arrives while this
   * one is being written. A client that fills all of its requests at once would otherwise take turns with the disk.
   */
  #hasArrived({ requests, sizeBytes }: FlushBuffer): boolean {
    const isHalfEnough = sizeBytes >= this.#config.overlapBytes
    return (isHalfEnough ? 2 : 1) * requests >= this.#expectedRequests
  }

  /** Flushes once everything that has already arrived, on all connections, is in the buffer. */
  #flushSoon(): void {
    if (this.#flushesSoon) return
    this.#flushesSoon = true
    setImmediate(() => {
      this.#flushesSoon = false
      const isIdle = this.#flights.length === 0
      if (this.#open && isIdle && this.#uploads < this.#config.maxUploads) this.#flush()
      else this.#considerFlush()
    })
  }

  #startTimer(endsAt: number, ms: number): void {
    this.#timer?.abort(timerReplaced)
    const timer = new AbortController()
    this.#timer = timer
    this.#timerEndsAt = endsAt
    this.#clock.sleep(ms, timer.signal).then(
      () => {
        this.#timerEndsAt = Number.POSITIVE_INFINITY
        this.#considerFlush()
      },
      // The timer was replaced, or the buffer was flushed earlier.
      () => undefined,
    )
  }

  #flush(): void {
    const buffer = this.#open!
    this.#open = undefined
    this.#timer?.abort(timerReplaced)
    this.#timerEndsAt = Number.POSITIVE_INFINITY
    const { promise: done, resolve: finish } = Promise.withResolvers<void>()
    const stageAt = this.#clock.monotonic()
    this.#stages?.flush.observe(stageAt - buffer.openedAt)
    const indexOf = (runs: readonly IndexedRun[]) => writeObjectIndex(this.#clock.now(), runs, this.#metadata.catalog())
    const flight: Flight = {
      buffer,
      ...this.newObject(),
      ...buffer.close(this.#slabs, indexOf),
      done,
      finish,
      startedAt: stageAt,
      stageAt,
      state: 'uploading',
    }
    this.#flights.push(flight)
    this.#uploads++
    void this.#upload(flight)
  }

  async #upload(flight: Flight): Promise<void> {
    for (let attempt = 0; flight.state === 'uploading'; attempt++) {
      try {
        await this.#store.put(flight.key, [flight.bytes])
        flight.state = 'uploaded'
      } catch (error) {
        const isLast = attempt >= this.#config.uploadRetries
        // The failed request may still be using the memory.
        flight.records.slab?.neverReuse()
        this.#log.warn('could not write an object', { key: flight.key, attempt, error })
        // A failed put may have succeeded; the retry puts the same bytes under the same key.
        if (isLast) flight.state = 'failed'
        else await this.#clock.sleep(this.#config.uploadRetryBackoffMs * 2 ** attempt)
      }
    }
    this.#leave(flight, 'put')
    this.#uploads--
    this.#considerFlush()
    if (!this.#isCommitting) await this.#commitReady()
  }

  /** Commits the oldest flights that are in the store, one commit at a time. */
  async #commitReady(): Promise<void> {
    this.#isCommitting = true
    for (;;) {
      const head = this.#flights[0]
      if (!head || head.state === 'uploading') break
      if (head.state === 'failed') {
        this.#refuse(head)
        this.#land(1)
        continue
      }
      let ready = 1
      while (ready < MAX_COMMIT_OBJECTS && this.#flights[ready]?.state === 'uploaded') ready++
      await this.#commit(this.#flights.slice(0, ready))
      this.#land(ready)
    }
    this.#isCommitting = false
  }

  async #commit(flights: readonly Flight[]): Promise<void> {
    const parts = flights.map(({ buffer }) => buffer.undecided())
    try {
      const assignments = await this.#metadata.commit(
        flights.map(({ key, records, epoch }, index) => ({
          key,
          sizeBytes: records.bytes.length,
          epoch,
          batches: parts[index]!.batches,
        })),
      )
      parts.forEach(({ slots }, index) => {
        slots.forEach((slot, at) => {
          slot.outcome = assignments[index]![at]!
        })
      })
    } catch (error) {
      this.#log.error('could not commit objects', { keys: flights.map(({ key }) => key), error })
      for (const flight of flights) this.#refuse(flight)
      await this.#recover(error, flights)
    }
  }

  /**
   * Refuses the undecided batches of a flight, and everything that the same producers sent later for
   * the same partitions: otherwise a producer without stored state could start with its second
   * batch, and its first would never be accepted.
   */
  #refuse(flight: Flight): void {
    const producers = new Set<string>()
    for (const { append } of flight.buffer.refuse()) {
      if (append.header.producerId >= 0) producers.add(`${append.partition}/${append.header.producerId}`)
    }
    if (producers.size === 0) return
    const later = this.#flights.slice(this.#flights.indexOf(flight) + 1).map(({ buffer }) => buffer)
    if (this.#open) later.push(this.#open)
    for (const buffer of later) {
      for (const slot of buffer.undecided().slots) {
        const { partition, header } = slot.append
        if (producers.has(`${partition}/${header.producerId}`)) slot.outcome = STORAGE_ERROR
      }
    }
  }

  /** After a failed commit: replaces a closed epoch, and deletes objects that are certainly orphans. */
  async #recover(error: unknown, flights: readonly Flight[]): Promise<void> {
    const code = error instanceof MetadataError ? error.code : 'unknown_outcome'
    try {
      if (code === 'epoch_closed' && flights.some(({ epoch }) => epoch === this.#epoch)) await this.changeEpoch()
      // With an unknown outcome the commit may have happened, and then the objects are needed.
      if (code !== 'unknown_outcome') await this.#store.delete(flights.map(({ key }) => key))
    } catch (cause) {
      const level = cause instanceof StorageError ? 'warn' : 'error'
      this.#log.log(level, 'could not clean up after a failed commit', { error: cause })
    }
  }

  /** Records the duration of a stage that has ended. */
  #leave(flight: Flight, stage: 'put' | 'commit'): void {
    const now = this.#clock.monotonic()
    this.#stages?.[stage].observe(now - flight.stageAt)
    flight.stageAt = now
  }

  /** Answers the oldest flights and removes them from the list. */
  #land(count: number): void {
    let requests = 0
    for (const flight of this.#flights.splice(0, count)) {
      const { buffer, records, finish, startedAt } = flight
      this.#leave(flight, 'commit')
      const tookMs = flight.stageAt - startedAt
      const usualMs = this.#usualFlightMs
      this.#usualFlightMs = Number.isFinite(usualMs) ? usualMs + (tookMs - usualMs) * SMOOTHING : tookMs
      this.#bufferedBytes -= records.bytes.length
      records.slab?.release()
      requests += buffer.requests
      buffer.settle()
      finish()
    }
    this.#expectedRequests = Math.max(1, requests)
    this.#idleSince = this.#clock.monotonic()
    this.#considerFlush()
  }
}
