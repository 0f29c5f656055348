/** How the log trades latency for fewer and larger objects, and how much memory it may use. */
export interface LogConfig {
  /** How long an idle log waits for more records before it writes an object, in milliseconds. */
  readonly lingerMs: number
  /**
   * If set, an idle log does not wait once as many requests have arrived as the last write answered, since no more are
   * expected, and a busy one waits only for half of a write's duration.
   */
  readonly isEager: boolean
  /** Maximum age of a buffer while others are being written, in milliseconds. */
  readonly maxLingerMs: number
  /** A buffer of this size is written immediately. */
  readonly flushBytes: number
  /**
   * A buffer of this size does not wait for a commit in progress, and one of twice this size for each write in progress
   * does not wait for those. Clients fill batches up to a megabyte; where small writes are nearly as efficient as large
   * ones, each such batch is written immediately unless others are being written.
   */
  readonly overlapBytes: number
  /** Maximum number of objects written concurrently. */
  readonly maxUploads: number
  /** How often a failed write is retried. */
  readonly uploadRetries: number
  readonly uploadRetryBackoffMs: number
  /** Above this many bytes of uncommitted records, connections are read more slowly. */
  readonly congestionBytes: number
  /** Above this many bytes of uncommitted records, further ones are refused with a retriable error. */
  readonly maxBufferedBytes: number
  /** Maximum size of the cache of recently written and read records, in bytes. */
  readonly cacheBytes: number
  /**
   * Whether this process does background work for the whole cluster: retention, merging, compaction, and deleting
   * unreferenced objects. Every process renews its own upload epoch regardless.
   */
  readonly runsJobs: boolean
  /** Whether unreferenced objects are deleted; otherwise they are logged once each and kept. */
  readonly deletesObjects: boolean
  /** Number of objects deleted without a pause. */
  readonly deletesTogether: number
  /** How often the upload epoch is renewed, objects are merged and dead ones deleted, in milliseconds. */
  readonly housekeepingIntervalMs: number
  /** How often retention runs, in milliseconds (log.retention.check.interval.ms). */
  readonly retentionIntervalMs: number
  /** Maximum age of the latest manifest in the bucket while topics do not change, in milliseconds. */
  readonly manifestIntervalMs: number
  /** An epoch that was not renewed for this long, in milliseconds, is closed permanently. */
  readonly epochExpiryMs: number
  /** How long objects may still arrive that were put under an epoch that is closed, in milliseconds. */
  readonly latePutsMs: number
  /** How long a dead object is kept for readers that still refer to it, in milliseconds. */
  readonly deadObjectGraceMs: number
  /**
   * Size classes for merging, in bytes: objects below the first size, those between the first and second, and so on.
   */
  readonly mergeSteps: readonly number[]
  /** Number of objects of one class that are merged together, or as many as add up to `mergeBytes`. */
  readonly mergeObjects: number
  readonly mergeBytes: number
  /** Number of most recent objects that are not merged. */
  readonly mergeSpareObjects: number
  /** Idle time in milliseconds after which a producer's sequences are forgotten (producer.id.expiration.ms). */
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
  latePutsMs: 60 * 60_000,
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
 * Maximum age of a buffer while others are being written, in milliseconds. A store where each write costs money gets
 * few large objects. Otherwise it is half of an object's usual duration (`flightMs`), so that two or three are in
 * progress and nothing waits much longer than necessary, whether the disk is fast or the machine busy.
 */
export function overlapLingerMs({ maxLingerMs, isEager }: LogConfig, flightMs: number): number {
  // Rounded up to whole milliseconds, the resolution of timers: a wait for a fraction might see no time pass.
  return isEager ? Math.min(maxLingerMs, Math.ceil(flightMs / 2)) : maxLingerMs
}

/**
 * The size in bytes from which a buffer is written immediately while this many others are being written. The more there
 * are, the more they delay each other: on one partition, objects of a megabyte each took 12 ms and 290 MB/s, and growing
 * ones 10 ms and 450 MB/s.
 */
export function largeBytes({ flushBytes, overlapBytes }: LogConfig, uploads: number): number {
  return Math.min(flushBytes, overlapBytes * Math.max(1, 2 * uploads))
}
