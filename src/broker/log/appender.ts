import type { Clock, Log } from '../../base/index.ts'
import { type Metadata, MetadataError } from '../../metadata/index.ts'
import { type ObjectStore, StorageError } from '../../storage/index.ts'
import { type LogConfig, overlapLingerMs } from './config.ts'
import { type Append, type AppendOutcome, FlushBuffer, STORAGE_ERROR } from './flush-buffer.ts'
import type { Piece, SlabPool } from './slabs.ts'
import { writeObjectIndex } from './object-index.ts'

/** The folder of all objects that hold records; below it are one folder an upload epoch. */
export const OBJECTS_FOLDER = 'data'

/** How many objects share one commit at most. */
const MAX_COMMIT_OBJECTS = 64

/** How much the latest object counts in the time that objects usually take. */
const SMOOTHING = 0.1

/** A closed buffer on its way: first into the store, then into the metadata. */
interface Flight {
  readonly buffer: FlushBuffer
  readonly key: string
  readonly epoch: number
  readonly body: Piece
  /** What the object says of itself, behind its records. */
  readonly index: Buffer
  readonly done: Promise<void>
  readonly finish: () => void
  /** When it was closed, and when the present stage began, in monotonic milliseconds. */
  readonly startedAt: number
  stageAt: number
  state: 'uploading' | 'uploaded' | 'failed'
}

/** The times of objects on their way. */
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
 * Takes batches, writes them to the store in few large objects, commits these in the order in which their buffers were
 * opened, and only then answers. Several objects are written at once, but no commit overtakes another, so that the
 * batches of a producer keep their order.
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
  /** How many requests the last commits have answered together: their clients are about to send as many again. */
  #expectedRequests = 1
  /** When that was, in monotonic milliseconds. */
  #idleSince = 0
  #flushesSoon = false
  /** How long an object takes from its flush to its commit, smoothed, in milliseconds; unknown at first. */
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

  /** The upload epoch under which objects are written now. */
  get epoch(): number {
    return this.#epoch
  }

  /** Bytes of records that are neither committed nor refused yet. */
  get bufferedBytes(): number {
    return this.#bufferedBytes
  }

  /**
   * Stores the batches of one request. They get their place among all others before this returns; the promise resolves
   * when each of them is committed or refused. It never rejects.
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

  /** The body of an object that is being committed. */
  bodyOf(key: string): Piece | undefined {
    return this.#flights.find(flight => flight.key === key)?.body
  }

  /** A key that no object has, and the epoch under which it has to be committed. */
  newObject(folder = OBJECTS_FOLDER): { key: string; epoch: number } {
    const name = String(this.#nextObject++).padStart(10, '0')
    return { key: `${folder}/${this.#epoch}/${name}`, epoch: this.#epoch }
  }

  /** Goes on under a new epoch; what is under way under the old one will be refused by its commit. */
  async changeEpoch(): Promise<void> {
    this.#epoch = await this.#metadata.openEpoch()
    this.#nextObject = 0
  }

  /** Writes and commits what was taken, and takes no more. */
  async close(): Promise<void> {
    this.#closing.abort()
    if (this.#open) this.#flush()
    while (this.#flights.length > 0) await this.#flights.at(-1)!.done
  }

  /**
   * Decides whether the open buffer waits. While nothing is being written it waits only a little, for company, and not at
   * all when those are there that were answered last; while others are being written it goes on filling, which makes
   * objects larger the busier the store is.
   */
  #considerFlush(): void {
    const buffer = this.#open
    if (!buffer || this.#uploads >= this.#config.maxUploads) return
    const isIdle = this.#flights.length === 0
    const lingerMs = isIdle ? this.#config.lingerMs : overlapLingerMs(this.#config, this.#usualFlightMs)
    // Those that were answered just now get the same time to come back as a first request gives to others.
    const waitsSince = isIdle && this.#config.isEager ? Math.max(buffer.openedAt, this.#idleSince) : buffer.openedAt
    const ageMs = this.#clock.monotonic() - waitsSince
    const isLarge = buffer.sizeBytes >= (isIdle ? this.#config.flushBytes : this.#config.overlapBytes)
    if (isLarge || ageMs >= lingerMs || this.#closing.signal.aborted) return this.#flush()
    if (isIdle && this.#config.isEager && buffer.requests >= this.#expectedRequests) return this.#flushSoon()
    const endsAt = waitsSince + lingerMs
    // A timer that ends too early only looks again; one that ends too late is replaced, for the log has become idle.
    if (endsAt < this.#timerEndsAt) this.#startTimer(endsAt, lingerMs - ageMs)
  }

  /** Flushes after what has arrived at this moment, on all connections, is in the buffer. */
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
    this.#timer?.abort()
    const timer = new AbortController()
    this.#timer = timer
    this.#timerEndsAt = endsAt
    this.#clock.sleep(ms, timer.signal).then(
      () => {
        this.#timerEndsAt = Number.POSITIVE_INFINITY
        this.#considerFlush()
      },
      // It was replaced, or the buffer went earlier.
      () => undefined,
    )
  }

  #flush(): void {
    const buffer = this.#open!
    this.#open = undefined
    this.#timer?.abort()
    this.#timerEndsAt = Number.POSITIVE_INFINITY
    const { promise: done, resolve: finish } = Promise.withResolvers<void>()
    const stageAt = this.#clock.monotonic()
    this.#stages?.flush.observe(stageAt - buffer.openedAt)
    const body = buffer.close(this.#slabs)
    const index = writeObjectIndex(this.#clock.now(), buffer.runs(), this.#metadata.catalog())
    const flight: Flight = {
      buffer,
      ...this.newObject(),
      body,
      index,
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
        await this.#store.put(flight.key, [flight.body.bytes, flight.index])
        flight.state = 'uploaded'
      } catch (error) {
        const isLast = attempt >= this.#config.uploadRetries
        // Whatever carried it may not have let go of it yet.
        flight.body.slab?.neverReuse()
        this.#log.warn('could not write an object', { key: flight.key, attempt, error })
        // A put that failed may have happened; trying again puts the same bytes under the same key.
        if (isLast) flight.state = 'failed'
        else await this.#clock.sleep(this.#config.uploadRetryBackoffMs * 2 ** attempt)
      }
    }
    this.#leave(flight, 'put')
    this.#uploads--
    this.#considerFlush()
    if (!this.#isCommitting) await this.#commitReady()
  }

  /** Commits the oldest flights that are in the store, one commit after the other. */
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
        flights.map(({ key, body, epoch }, index) => ({
          key,
          sizeBytes: body.bytes.length,
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
   * Refuses what is undecided of a flight, and all that the same producers sent later for the same partitions: a
   * producer that is not known yet could otherwise begin with its second batch, and its first would never fit again.
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

  /** After a commit that failed: gets a new epoch when the old one is gone, and leaves no orphans that are surely ones. */
  async #recover(error: unknown, flights: readonly Flight[]): Promise<void> {
    const code = error instanceof MetadataError ? error.code : 'unknown_outcome'
    try {
      if (code === 'epoch_closed' && flights.some(({ epoch }) => epoch === this.#epoch)) await this.changeEpoch()
      // With an unknown outcome the commit may have happened, and the objects are needed.
      if (code !== 'unknown_outcome') await this.#store.delete(flights.map(({ key }) => key))
    } catch (cause) {
      const level = cause instanceof StorageError ? 'warn' : 'error'
      this.#log.log(level, 'could not clean up after a failed commit', { error: cause })
    }
  }

  /** Counts a stage that has ended. */
  #leave(flight: Flight, stage: 'put' | 'commit'): void {
    const now = this.#clock.monotonic()
    this.#stages?.[stage].observe(now - flight.stageAt)
    flight.stageAt = now
  }

  /** Answers the oldest flights and takes them off the list. */
  #land(count: number): void {
    let requests = 0
    for (const flight of this.#flights.splice(0, count)) {
      const { buffer, body, finish, startedAt } = flight
      this.#leave(flight, 'commit')
      const tookMs = flight.stageAt - startedAt
      const usualMs = this.#usualFlightMs
      this.#usualFlightMs = Number.isFinite(usualMs) ? usualMs + (tookMs - usualMs) * SMOOTHING : tookMs
      this.#bufferedBytes -= body.bytes.length
      body.slab?.release()
      requests += buffer.requests
      buffer.settle()
      finish()
    }
    this.#expectedRequests = Math.max(1, requests)
    this.#idleSince = this.#clock.monotonic()
    this.#considerFlush()
  }
}
