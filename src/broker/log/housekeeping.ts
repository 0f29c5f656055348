import { type Clock, type Log, waitOrAbort } from '../../base/index.ts'
import type { Extent, MergeCandidate, Metadata, PartitionId, RetentionRule, Topic } from '../../metadata/index.ts'
import { type ObjectStore, type Purpose, StorageError } from '../../storage/index.ts'
import type { TopicConfig } from '../topic-config.ts'
import { OBJECTS_FOLDER } from './appender.ts'
import type { LogConfig } from './config.ts'
import { compactPartition } from './compaction.ts'
import { type Compress, isManifestDue, manifestKeys, writeManifest } from './manifest.ts'
import { expiryStepMs, mergeObjects } from './merging.ts'
import { Pace } from './pace.ts'
import type { Holds, SlabPool } from './slabs.ts'

/** The functions of the log that housekeeping uses. */
export interface LogHooks {
  /** The upload epoch of the log. */
  epoch(): number
  /** Returns a key for a new object, and the epoch under which the object must be committed. */
  readonly newObject: () => { key: string; epoch: number }
  /** Loads the bytes of extents with their offsets set; they are valid until `holds` are released. */
  readonly load: (extents: readonly Extent[], holds: Holds) => Promise<Buffer[]>
  /** Opens a new epoch, because the old one was closed. */
  changeEpoch(): Promise<void>
  /** Writes notes on the log's commits to the bucket. */
  noteCommits(): Promise<void>
  /** Reports that the bounds of these partitions may have changed. */
  boundsChanged(partitions: readonly PartitionId[]): Promise<void>
  /** Reports that the records of a partition have moved to other objects. */
  readonly recordsMoved: (partition: PartitionId) => void
  readonly compress: Compress
}

/** Maximum number of objects that a dry run logs. */
const MAX_LOGGED = 10_000
/** With less than this share of the disk free, deleted topics are no longer kept. */
const SHORT_OF_ROOM = 1 / 4
/** Maximum number of objects that one round deletes, and number of keys looked up together. */
const MAX_SWEPT_OBJECTS = 50_000
const KEYS_TOGETHER = 500
/** Number of partitions per call of retention, so that commits never wait long for it. */
const PARTITIONS_TOGETHER = 200
/** Maximum number of retention calls per round for the same partitions. */
const MAX_RETENTION_STEPS = 50
/** Compaction has to keep up with producers, so it rests only to let other requests in. */
const COMPACTION_REST_FACTOR = 1 / 4
/** Maximum number of merges per round, for each size class. */
const MAX_MERGES = 50

/**
 * Background maintenance: keeps the upload epoch open, applies retention, deletes objects that are no longer
 * referenced, and those that were put but never committed by a process that is gone. Every round is bounded; the rest
 * is left to the next one. A process without jobs only keeps its epoch open and notes its commits.
 */
export class Housekeeping {
  readonly #metadata: Metadata
  readonly #store: ObjectStore
  readonly #clock: Clock
  readonly #log: Log
  readonly #config: LogConfig
  readonly #topicConfig: (topic: Topic) => TopicConfig
  readonly #slabs: SlabPool
  readonly #hooks: LogHooks
  readonly #stop = new AbortController()
  readonly #running: Promise<unknown>
  #retainedAt: number
  /** Whether the disk is getting full. */
  #isShort = false
  /** Closed epochs whose orphans were deleted once, and when, in monotonic milliseconds. */
  readonly #sweptAt = new Map<number, number>()
  /** Objects that were logged because they cannot be merged, or would be deleted. */
  readonly #logged = new Set<string>()

  constructor(
    metadata: Metadata,
    store: ObjectStore,
    clock: Clock,
    log: Log,
    config: LogConfig,
    topicConfig: (topic: Topic) => TopicConfig,
    slabs: SlabPool,
    hooks: LogHooks,
  ) {
    this.#metadata = metadata
    this.#slabs = slabs
    this.#store = store
    this.#clock = clock
    this.#log = log
    this.#config = config
    this.#topicConfig = topicConfig
    this.#hooks = hooks
    this.#retainedAt = clock.monotonic()
    this.#running = Promise.all([this.#run(), config.runsJobs ? this.#runCompaction() : undefined])
  }

  /** Runs one round of everything. A part that fails is logged and does not prevent the others. */
  async round(): Promise<void> {
    await this.#maintain()
    if (this.#config.runsJobs) await this.#attempt('compact topics', () => this.#compact())
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      await (this.#clock.monotonic() - this.#retainedAt < this.#config.retentionIntervalMs
        ? this.#often()
        : this.#maintain())
      await waitOrAbort(this.#clock, this.#config.housekeepingIntervalMs, signal)
    }
  }

  /** Runs separately: compacting a large partition takes longer than an epoch lasts without renewal. */
  async #runCompaction(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      await waitOrAbort(this.#clock, this.#config.housekeepingIntervalMs, signal)
      await this.#attempt('compact topics', () => this.#compact())
    }
  }

  async #maintain(): Promise<void> {
    this.#retainedAt = this.#clock.monotonic()
    if (this.#config.runsJobs) {
      await this.#attempt('apply retention', () => this.#retain())
      await this.#attempt('expire idle producers', () => this.#metadata.expireProducers(this.#config.producerExpiryMs))
    }
    await this.#often()
  }

  /** The parts of a round that cannot wait for the next full one. */
  async #often(): Promise<void> {
    await this.#attempt('renew the upload epoch', () => this.#renewEpoch())
    await this.#attempt('note the latest commits', () => this.#hooks.noteCommits())
    if (!this.#config.runsJobs) return
    await this.#attempt('write a manifest', () => this.#keepManifest())
    await this.#attempt('purge deleted topics', () => this.#purgeDeletedTopics())
    await this.#attempt('remove deleted records', () => this.#applyRetention([]))
    // When space is short, the work is urgent from the beginning.
    const politeMs = this.#isShort ? 0 : this.#config.housekeepingIntervalMs
    const pace = new Pace(this.#clock, politeMs, this.#stop.signal)
    await this.#attempt('rewrite objects that are mostly garbage', () => this.#rewriteSparse(pace))
    await this.#attempt('merge objects', () => this.#mergeIfRoom(pace))
    await this.#attempt('delete dead objects', () => this.#deleteDeadObjects(pace))
    await this.#attempt('delete orphaned objects', () => this.#deleteOrphans(pace))
  }

  async #attempt(what: string, body: () => Promise<void>): Promise<void> {
    if (this.#stop.signal.aborted) return
    try {
      await body()
    } catch (error) {
      this.#log.warn(`could not ${what}`, { error })
    }
  }

  async #renewEpoch(): Promise<void> {
    if (!(await this.#metadata.renewEpoch(this.#hooks.epoch()))) await this.#hooks.changeEpoch()
  }

  /** Every process with jobs may write it; concurrent writes are harmless. */
  async #keepManifest(): Promise<void> {
    const now = this.#clock.now()
    const [latest] = await manifestKeys(this.#store)
    const { version } = this.#metadata.catalog()
    if (!isManifestDue(latest, version, now, this.#config.manifestIntervalMs)) return
    await writeManifest(this.#metadata, this.#store, now, this.#hooks.compress)
  }

  async #retain(): Promise<void> {
    const now = this.#clock.now()
    const rules = [...this.#metadata.catalog().byId.values()].flatMap(topic => this.#rulesOf(topic, now))
    for (let start = 0; start < rules.length; start += PARTITIONS_TOGETHER) {
      const some = rules.slice(start, start + PARTITIONS_TOGETHER)
      await this.#applyRetention(some)
      await this.#hooks.boundsChanged(some.map(({ partition }) => partition))
    }
  }

  /** Without rules, only removes what is left of deleted topics and records. */
  async #applyRetention(rules: readonly RetentionRule[]): Promise<void> {
    for (let step = 0; step < MAX_RETENTION_STEPS && !this.#stop.signal.aborted; step++) {
      if (!(await this.#metadata.retain(rules))) break
    }
  }

  #rulesOf(topic: Topic, now: number): RetentionRule[] {
    const config = this.#topicConfig(topic)
    const { retentionMs, retentionBytes } = config.delete ? config : { retentionMs: null, retentionBytes: null }
    return topic.partitions.map(partition => ({
      partition,
      deleteBefore: retentionMs === null ? null : now - retentionMs,
      keepBytes: retentionBytes,
    }))
  }

  /** Compacts the partitions that are due. */
  async #compact(): Promise<void> {
    const { metadata, store, newObject, load } = { metadata: this.#metadata, store: this.#store, ...this.#hooks }
    const topics = [...metadata.catalog().byId.values()].filter(topic => this.#topicConfig(topic).compact)
    for (const topic of topics) {
      const config = this.#topicConfig(topic)
      const cleanedUntil = await metadata.cleanedUntil(topic.partitions)
      const bounds = await metadata.bounds(topic.partitions)
      for (const [index, partition] of topic.partitions.entries()) {
        if (this.#stop.signal.aborted) return
        if (!bounds[index]) continue
        const { signal } = this.#stop
        const pace = new Pace(this.#clock, Infinity, signal, COMPACTION_REST_FACTOR)
        const options = { metadata, store, config, now: this.#clock.now(), newObject, load, pace, signal }
        const result = await compactPartition(partition, bounds[index], cleanedUntil[index]!, options)
        if (result === undefined) continue
        this.#log.info('compacted a partition', { topic: topic.name, partition, ...result })
        this.#hooks.recordsMoved(partition)
      }
    }
  }

  /** What is merged stays for a while beside the result, so merging waits until there is room for both and for records. */
  async #mergeIfRoom(pace: Pace): Promise<void> {
    try {
      await this.#merge(pace)
    } catch (error) {
      if (!(error instanceof StorageError && error.code === 'full')) throw error
      this.#log.debug('objects are not merged for lack of room', { error })
    }
  }

  async #merge(pace: Pace): Promise<void> {
    pace.begin()
    const { mergeSteps, mergeObjects: minObjects, mergeBytes: maxBytes, mergeSpareObjects } = this.#config
    let fromBytes = 0
    for (const belowBytes of mergeSteps) {
      const maxObjects = minObjects * 16
      const rule = { fromBytes, belowBytes, minObjects, maxObjects, maxBytes, spareObjects: mergeSpareObjects }
      for (let step = 0; step < MAX_MERGES && !this.#stop.signal.aborted; step++) {
        const candidates = await this.#metadata.mergeCandidates(rule)
        if (!(await this.#mergeInto(candidates, pace, 'deferrable'))) break
        await pace.rest()
      }
      fromBytes = belowBytes
    }
  }

  #mergeInto(candidates: readonly MergeCandidate[], pace: Pace, purpose: Purpose): Promise<boolean> {
    return mergeObjects(candidates, {
      metadata: this.#metadata,
      store: this.#store,
      slabs: this.#slabs,
      pace,
      newObject: this.#hooks.newObject,
      now: this.#clock.now(),
      purpose,
      expiryStepMs: this.#expirySteps(),
      onLost: (key, error) => this.#logOnce(key, () => this.#log.error('an object cannot be merged', { key, error })),
    })
  }

  /** The steps in which records of each partition expire. Those of deleted topics do not have any. */
  #expirySteps(): (partition: PartitionId) => number {
    const steps = new Map<PartitionId, number>()
    for (const topic of this.#metadata.catalog().byId.values()) {
      const stepMs = expiryStepMs(this.#topicConfig(topic))
      if (stepMs < Infinity) for (const partition of topic.partitions) steps.set(partition, stepMs)
    }
    return partition => steps.get(partition) ?? Infinity
  }

  /** Purges the deleted topics whose time has passed, or all of them when the disk is short of space. */
  async #purgeDeletedTopics(): Promise<void> {
    const capacity = await this.#store.capacity?.()
    this.#isShort = capacity ? capacity.usableBytes < capacity.totalBytes * SHORT_OF_ROOM : false
    const topics = await this.#metadata.purgeDeletedTopics(this.#isShort)
    if (topics.length > 0) {
      this.#log.info('deleted topics were purged and can no longer be restored', { topics, isShort: this.#isShort })
    }
  }

  async #rewriteSparse(pace: Pace): Promise<void> {
    pace.begin()
    const { mergeObjects: some, mergeBytes } = this.#config
    for (let step = 0; step < MAX_MERGES && !this.#stop.signal.aborted; step++) {
      const candidates = await this.#metadata.sparseObjects(some, mergeBytes)
      if (!(await this.#mergeInto(candidates, pace, 'freeing'))) break
      await pace.rest()
    }
  }

  async #deleteDeadObjects(pace: Pace): Promise<void> {
    for (let swept = 0; swept < MAX_SWEPT_OBJECTS && !this.#stop.signal.aborted; swept += KEYS_TOGETHER) {
      const dead = await this.#metadata.deadObjects(this.#config.deadObjectGraceMs, KEYS_TOGETHER)
      if (dead.length === 0) return
      if (!this.#config.deletesObjects) return this.#spare(dead.map(({ key }) => key))
      // In this order: an object that is gone but still known is deleted once more; one forgotten
      // before its deletion would never be deleted.
      await this.#delete(
        dead.map(({ key }) => key),
        pace,
      )
      await this.#metadata.forgetObjects(dead.map(({ id }) => id))
    }
  }

  /**
   * Nothing can be committed under a closed epoch any more, so objects unknown now will never become known. But more may
   * arrive: a process that was paused puts what it was about to put, and the store may execute a request that its client
   * has given up. Therefore each epoch is swept once immediately, and once more before it is forgotten.
   */
  async #deleteOrphans(pace: Pace): Promise<void> {
    const epochs = await this.#metadata.closedEpochs(this.#config.epochExpiryMs)
    for (const forgotten of new Set(this.#sweptAt.keys()).difference(new Set(epochs))) this.#sweptAt.delete(forgotten)
    for (const epoch of epochs) {
      const startedAt = this.#clock.monotonic()
      const sweptAt = this.#sweptAt.get(epoch)
      const isLast = sweptAt !== undefined && startedAt - sweptAt >= this.#config.latePutsMs
      if (sweptAt !== undefined && !isLast) continue
      await this.#sweep(epoch, pace)
      if (this.#stop.signal.aborted) return
      if (sweptAt === undefined) this.#sweptAt.set(epoch, startedAt)
      // It is never visited again.
      if (isLast && this.#config.deletesObjects) await this.#metadata.forgetEpoch(epoch)
    }
  }

  async #sweep(epoch: number, pace: Pace): Promise<void> {
    let after = ''
    while (!this.#stop.signal.aborted) {
      const objects = await this.#store.list({ prefix: `${OBJECTS_FOLDER}/${epoch}/`, after, limit: KEYS_TOGETHER })
      if (objects.length === 0) return
      const keys = objects.map(({ key }) => key)
      const known = await this.#metadata.knownObjects(keys)
      const orphans = keys.filter((_, index) => !known[index])
      if (this.#config.deletesObjects) await this.#delete(orphans, pace)
      else this.#spare(orphans)
      after = keys.at(-1)!
    }
  }

  /** Deletes objects a few at a time: a disk takes longer to free a large file than to write a small one. */
  async #delete(keys: readonly string[], pace: Pace): Promise<void> {
    for (let start = 0; start < keys.length; start += this.#config.deletesTogether) {
      pace.begin()
      await this.#store.delete(keys.slice(start, start + this.#config.deletesTogether))
      await pace.rest()
    }
  }

  #spare(keys: readonly string[]): void {
    for (const key of keys) this.#logOnce(key, () => this.#log.warn('dry run: this object would be deleted', { key }))
  }

  /** Every round finds the same objects again, but only the first one logs them. */
  #logOnce(key: string, write: () => void): void {
    if (this.#logged.has(key) || this.#logged.size >= MAX_LOGGED) return
    this.#logged.add(key)
    write()
  }
}
