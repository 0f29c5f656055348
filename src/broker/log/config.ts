/** How the log trades latency for fewer and larger objects, and how much memory it may take. */
export interface LogConfig {
  /** How long an idle log waits for more records before it writes an object. */
  readonly lingerMs: number
  /**
   * An idle log does not wait when as many requests are there as the last write has answered: no more are to be expected.
   * A busy one waits for half of the time that a write takes.
   */
  readonly isEager: boolean
  /** How old a buffer may get at most while others are being written. */
  readonly maxLingerMs: number
  /** A buffer of this size is written at once. */
  readonly flushBytes: number
  /**
   * A buffer of this size does not wait for the one that is being written. Clients fill batches up to a megabyte, of which
   * each goes at once where a write takes no longer for being small.
   */
  readonly overlapBytes: number
  /** How many objects are written at the same time. */
  readonly maxUploads: number
  /** How often a failed write is tried again. */
  readonly uploadRetries: number
  readonly uploadRetryBackoffMs: number
  /** Beyond this many bytes of records that are not committed yet, connections are read from more slowly. */
  readonly congestionBytes: number
  /** Beyond this many bytes of records that are not committed yet, more are refused with a retriable error. */
  readonly maxBufferedBytes: number
  /** The most that the cache of what was written or read lately may hold. */
  readonly cacheBytes: number
  /**
   * Whether this process does background work for the whole cluster: retention, merging, compaction, and deleting what
   * nothing refers to. Each process renews its own upload epoch in any case.
   */
  readonly runsJobs: boolean
  /** Whether objects that nothing refers to are deleted; otherwise they are logged, once each, and stay. */
  readonly deletesObjects: boolean
  /** How many objects are deleted without a rest. */
  readonly deletesTogether: number
  /** How often an upload epoch is renewed, objects are merged and dead ones swept. */
  readonly housekeepingIntervalMs: number
  /** How often retention is looked after (log.retention.check.interval.ms). */
  readonly retentionIntervalMs: number
  /** How old the latest manifest in the bucket may become while topics stay as they are. */
  readonly manifestIntervalMs: number
  /** An epoch that was not renewed for so long is closed for good. */
  readonly epochExpiryMs: number
  /** How long a dead object stays for readers that still know it. */
  readonly deadObjectGraceMs: number
  /** Objects are merged in steps: those below the first size, those between the first and the second, and so on. */
  readonly mergeSteps: readonly number[]
  /** So many objects of one step are merged, or as many as make up `mergeBytes`. */
  readonly mergeObjects: number
  readonly mergeBytes: number
  /** The latest objects are not merged. */
  readonly mergeSpareObjects: number
  /** After this idle time a producer's sequences are forgotten (producer.id.expiration.ms). */
  readonly producerExpiryMs: number
}

/** For a store on this machine, where a write takes a few milliseconds. */
export const localLogConfig: LogConfig = {
  lingerMs: 2,
  isEager: true,
  maxLingerMs: 25,
  flushBytes: 8 * 1024 * 1024,
  overlapBytes: 512 * 1024,
  maxUploads: 8,
  uploadRetries: 3,
  uploadRetryBackoffMs: 50,
  congestionBytes: 64 * 1024 * 1024,
  maxBufferedBytes: 512 * 1024 * 1024,
  cacheBytes: 256 * 1024 * 1024,
  runsJobs: true,
  deletesObjects: true,
  deletesTogether: 10,
  housekeepingIntervalMs: 15_000,
  retentionIntervalMs: 300_000,
  manifestIntervalMs: 300_000,
  epochExpiryMs: 180_000,
  deadObjectGraceMs: 60_000,
  mergeSteps: [64 * 1024, 1024 * 1024, 8 * 1024 * 1024],
  mergeObjects: 32,
  mergeBytes: 16 * 1024 * 1024,
  mergeSpareObjects: 64,
  producerExpiryMs: 24 * 60 * 60 * 1000,
}

/** @public For a store behind a network, where every write costs money and a good part of a second. */
export const remoteLogConfig: LogConfig = {
  ...localLogConfig,
  lingerMs: 250,
  isEager: false,
  maxLingerMs: 250,
  overlapBytes: 8 * 1024 * 1024,
  maxUploads: 8,
  deletesTogether: 500,
  deadObjectGraceMs: 600_000,
}

/**
 * How old a buffer may get while others are being written, in milliseconds. A store where each write costs money gets few
 * large objects. Otherwise half of the time that an object usually takes (`flightMs`), so that two or three are under way and
 * nothing waits for much longer than it has to, on a fast disk as on a busy machine.
 */
export function overlapLingerMs({ maxLingerMs, isEager }: LogConfig, flightMs: number): number {
  // Whole milliseconds, as timers have them: the rest of a fraction may be too short for time to pass in it.
  return isEager ? Math.min(maxLingerMs, Math.ceil(flightMs / 2)) : maxLingerMs
}
