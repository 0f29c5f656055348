import type { Clock, Log } from '../../base/index.ts'
import { batchExtent } from '../../kafka/index.ts'
import type { AbortedTransaction, Extent, Metadata, PartitionBounds, PartitionId } from '../../metadata/index.ts'
import { StorageError } from '../../storage/index.ts'
import type { AppendWaiters } from './append-waiters.ts'
import type { ExtentCache } from './extent-cache.ts'
import { CorruptObjectError } from './place-extent.ts'
import { Holds } from './slabs.ts'
import type { Tails } from './tails.ts'

export interface FetchQuery {
  readonly partition: PartitionId
  readonly offset: number
  readonly maxBytes: number
}

export interface FetchLimits {
  /** Answer as soon as there are this many bytes … */
  readonly minBytes: number
  /** … or after this time in milliseconds … */
  readonly maxWaitMs: number
  /** … with at most this many bytes, but at least one batch. */
  readonly maxBytes: number
  /** Return nothing from the first open transaction on. */
  readonly readCommitted: boolean
}

export interface Fetched {
  readonly error:
    | 'NONE'
    | 'OFFSET_OUT_OF_RANGE'
    | 'UNKNOWN_TOPIC_OR_PARTITION'
    | 'KAFKA_STORAGE_ERROR'
    | 'CORRUPT_MESSAGE'
  readonly bounds: PartitionBounds
  /** Whole batches, in order; to be sent, not modified. */
  readonly records: readonly Buffer[]
  readonly sizeBytes: number
  /** Aborted transactions with records among these, by first offset; empty unless reading committed records only. */
  readonly aborted: readonly AbortedTransaction[]
}

/** What is known of a partition from an offset on, as far as one answer may need it. */
interface Located {
  readonly error: Fetched['error']
  readonly bounds: PartitionBounds
  readonly extents: readonly Extent[]
  /** All transactions whose aborted records are in the extents and below `stableEnd`. */
  readonly aborted: readonly AbortedTransaction[]
  /** From this offset on it is not known which records are aborted. */
  readonly stableEnd: number
}

/** The next extents for a reader that is behind. */
interface Ahead {
  readonly extents: readonly Extent[]
  /** Null if they were not requested. */
  readonly aborted: readonly AbortedTransaction[] | null
  readonly stableEnd: number
}

/** One pass over all queries. If the limits left no room for everything, waiting for more is pointless. */
interface Read {
  readonly fetched: Fetched[]
  readonly isFull: boolean
}

/** Bytes of extents to look up in advance, so that a reader that catches up rarely queries the metadata. */
const LOOK_AHEAD_BYTES = 32 * 1024 * 1024
/** Minimum number of answers that this covers. */
const LOOK_AHEAD_ANSWERS = 16
/** Maximum number of bytes read ahead at any time, for all readers. */
const MAX_READ_AHEAD_BYTES = 64 * 1024 * 1024
/**
 * How long a cached tail is trusted, in milliseconds, before checking for appends of other processes, which are thus
 * noticed at the latest after this time.
 */
const TRUST_MS = 500
/** Longer waits check again after this many milliseconds, for the same reason. */
const RECHECK_MS = 1000
const MAX_REMEMBERED_PARTITIONS = 2000
/** Maximum size of an answer, whatever the client would accept. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024
const NOWHERE: PartitionBounds = { logStartOffset: -1, highWatermark: -1, lastStableOffset: -1, sizeBytes: 0 }

/** Finds and reads records. */
export class Reader {
  readonly #metadata: Metadata
  readonly #tails: Tails
  readonly #cache: ExtentCache
  readonly #waiters: AppendWaiters
  readonly #clock: Clock
  readonly #log: Log
  /**
   * The next extents for readers that are behind. Extents never change, so an entry may be incomplete but not wrong.
   */
  readonly #ahead = new Map<PartitionId, Ahead>()
  /** Bytes currently being read ahead of any request for them. */
  #readAheadBytes = 0

  constructor(metadata: Metadata, tails: Tails, cache: ExtentCache, waiters: AppendWaiters, clock: Clock, log: Log) {
    this.#metadata = metadata
    this.#tails = tails
    this.#cache = cache
    this.#waiters = waiters
    this.#clock = clock
    this.#log = log
  }

  /** Returns answers in the order of the queries, in which they also use up the limits. */
  async fetch(
    queries: readonly FetchQuery[],
    limits: FetchLimits,
    signal: AbortSignal,
    holds: Holds = new Holds(),
  ): Promise<Fetched[]> {
    const deadline = this.#clock.monotonic() + limits.maxWaitMs
    for (;;) {
      // Releases what was read before the last wait.
      holds.release()
      const { fetched, isFull } = await this.#fetchOnce(queries, limits, holds)
      const missingBytes = isFull ? 0 : limits.minBytes - fetched.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
      const restMs = deadline - this.#clock.monotonic()
      const isOver = signal.aborted || this.#waiters.closed
      if (missingBytes <= 0 || restMs <= 0 || isOver || queries.length === 0) return fetched
      if (fetched.some(({ error }) => error !== 'NONE')) return fetched
      // Appends during the read have woken no waiter, so check before waiting.
      const isStale = queries.some(({ partition }, index) => this.#hasMore(partition, fetched[index]!, limits))
      if (!isStale) {
        const partitions = queries.map(({ partition }) => partition)
        await this.#waiters.wait(partitions, missingBytes, Math.min(restMs, RECHECK_MS), signal)
      }
    }
  }

  /** Loads the bytes of extents with their offsets set; they are valid until `holds` are released. */
  load(extents: readonly Extent[], holds: Holds): Promise<Buffer[]> {
    return this.#cache.load(extents, holds)
  }

  forget(partition: PartitionId): void {
    this.#ahead.delete(partition)
    this.#tails.forget(partition)
  }

  #hasMore(partition: PartitionId, { bounds }: Fetched, { readCommitted }: FetchLimits): boolean {
    const tail = this.#tails.get(partition)
    if (!tail) return false
    return readCommitted ? tail.lastStableOffset > bounds.lastStableOffset : tail.highWatermark > bounds.highWatermark
  }

  async #fetchOnce(queries: readonly FetchQuery[], limits: FetchLimits, holds: Holds): Promise<Read> {
    for (let attempt = 0; ; attempt++) {
      const located = await this.#locate(queries, limits.readCommitted)
      try {
        return await this.#read(queries, located, limits, holds)
      } catch (error) {
        this.#log.warn('could not read records', { error })
        if (attempt > 0 || !(error instanceof StorageError)) return this.#readEach(queries, located, limits, holds)
        // Our knowledge may be out of date: an object is deleted when its records have moved or expired.
        for (const { partition } of queries) this.forget(partition)
      }
    }
  }

  async #locate(queries: readonly FetchQuery[], readCommitted: boolean): Promise<Located[]> {
    const located = queries.map(query => this.#locateHere(query, readCommitted))
    const open = queries.filter((_, index) => !located[index])
    if (open.length === 0) return located.map(one => one!)

    const answers = await this.#metadata.findExtents(
      open.map(({ partition, offset, maxBytes }) => {
        const lookedUpBytes = Math.max(maxBytes * LOOK_AHEAD_ANSWERS, Math.floor(LOOK_AHEAD_BYTES / open.length))
        return { partition, offset, maxBytes: lookedUpBytes, withAborted: readCommitted }
      }),
    )
    let next = 0
    return located.map((known, index) => {
      if (known) return known
      const { partition, offset } = queries[index]!
      const answer = answers[next++]!
      if (!answer) return nothing('UNKNOWN_TOPIC_OR_PARTITION', NOWHERE)
      this.#tails.learned(partition, answer)
      if (offset < answer.logStartOffset || offset > answer.highWatermark) return nothing('OFFSET_OUT_OF_RANGE', answer)
      const { extents, aborted, lastStableOffset: stableEnd } = answer
      this.#lookAhead(partition, { extents, aborted: readCommitted ? aborted : null, stableEnd })
      return { error: 'NONE', bounds: answer, extents, aborted, stableEnd }
    })
  }

  /** Answers from local knowledge. An offset that seems out of range is never decided here. */
  #locateHere({ partition, offset }: FetchQuery, readCommitted: boolean): Located | undefined {
    const tail = this.#tails.get(partition)
    if (!tail || offset < tail.logStartOffset || offset > tail.highWatermark) return undefined
    if (offset === tail.highWatermark) {
      const isFresh = this.#clock.monotonic() - tail.knownAt < TRUST_MS
      return isFresh ? nothing('NONE', tail) : undefined
    }
    const newest = from(tail.extents, offset)
    if (newest) {
      // Any process may end a transaction, so only a fresh tail proves that the reader must wait.
      const isStuck = readCommitted && offset >= tail.lastStableOffset
      if (isStuck && this.#clock.monotonic() - tail.knownAt >= TRUST_MS) return undefined
      return { error: 'NONE', bounds: tail, extents: newest, aborted: tail.aborted, stableEnd: tail.lastStableOffset }
    }
    const ahead = this.#ahead.get(partition)
    const extents = ahead && from(ahead.extents, offset)
    if (!extents) return undefined
    if (!readCommitted) return { error: 'NONE', bounds: tail, extents, aborted: [], stableEnd: tail.highWatermark }
    if (ahead.aborted === null || offset >= ahead.stableEnd) return undefined
    return { error: 'NONE', bounds: tail, extents, aborted: ahead.aborted, stableEnd: ahead.stableEnd }
  }

  #lookAhead(partition: PartitionId, ahead: Ahead): void {
    this.#ahead.delete(partition)
    if (ahead.extents.length < 2) return
    this.#ahead.set(partition, ahead)
    if (this.#ahead.size > MAX_REMEMBERED_PARTITIONS) this.#ahead.delete(this.#ahead.keys().next().value!)
  }

  /** Reads partitions one by one, so that a failure of one does not affect the others. */
  async #readEach(
    queries: readonly FetchQuery[],
    located: readonly Located[],
    limits: FetchLimits,
    holds: Holds,
  ): Promise<Read> {
    const fetched: Fetched[] = []
    let leftBytes = Math.min(limits.maxBytes, MAX_ANSWER_BYTES)
    for (const [index, query] of queries.entries()) {
      const place = located[index]!
      if (leftBytes <= 0) {
        fetched.push(failed(place.error, place.bounds))
        continue
      }
      try {
        const alone = await this.#readAlone(query, place, { ...limits, maxBytes: leftBytes }, holds)
        fetched.push(alone.fetched[0]!)
        leftBytes -= alone.fetched[0]!.sizeBytes
      } catch (error) {
        this.#log.error('records of a partition cannot be read', { partition: query.partition, error })
        // A client that requests damaged records must receive an error that stops it from retrying indefinitely.
        const isDamaged = error instanceof CorruptObjectError
        fetched.push(failed(isDamaged ? 'CORRUPT_MESSAGE' : 'KAFKA_STORAGE_ERROR', place.bounds))
      }
    }
    return { fetched, isFull: leftBytes <= 0 }
  }

  /**
   * If a partition cannot be read in full, reads only its first extent, so that records before the damage are served.
   */
  async #readAlone(query: FetchQuery, place: Located, limits: FetchLimits, holds: Holds): Promise<Read> {
    try {
      return await this.#read([query], [place], limits, holds)
    } catch (error) {
      if (place.extents.length < 2) throw error
      return this.#read([query], [{ ...place, extents: place.extents.slice(0, 1) }], limits, holds)
    }
  }

  async #read(
    queries: readonly FetchQuery[],
    located: readonly Located[],
    limits: FetchLimits,
    holds: Holds,
  ): Promise<Read> {
    const maxBytes = Math.min(limits.maxBytes, MAX_ANSWER_BYTES)
    const chosen = chooseExtents(queries, located, maxBytes)
    const wanted = chosen.flat()
    // Without waiting if everything is cached, as it usually is for readers at the end.
    const here = wanted.map(extent => this.#cache.get(extent, holds))
    const loading = here.every(bytes => bytes !== undefined) ? undefined : this.#cache.load(wanted, holds)
    // Queued after what is wanted now, so that the store works while that is sent.
    this.#readAhead(chosen, located)
    const loaded = loading === undefined ? here : await loading

    let next = 0
    let leftBytes = maxBytes
    let isFirst = true
    let isFull = false
    const fetched = queries.map((query, index): Fetched => {
      const { error, bounds, aborted, stableEnd } = located[index]!
      if (error !== 'NONE') return failed(error, bounds)
      const end = limits.readCommitted ? stableEnd : bounds.highWatermark
      const cut = new Cut(query.offset, end, Math.min(query.maxBytes, leftBytes), isFirst)
      for (const extent of chosen[index]!) cut.take(extent, loaded[next++]!)
      leftBytes -= cut.sizeBytes
      if (cut.sizeBytes > 0) isFirst = false
      isFull ||= cut.lacksRoom
      const { records, sizeBytes } = cut
      const isAborted = limits.readCommitted && aborted.length > 0
      return {
        error,
        bounds,
        records,
        sizeBytes,
        aborted: isAborted ? overlapping(aborted, query.offset, cut.end) : [],
      }
    })
    return { fetched, isFull: isFull || leftBytes <= 0 }
  }

  /**
   * Reads what a reader that is behind will request next, while it receives its answer. Cached extents are not read
   * again, so this does nothing for readers at the end.
   */
  #readAhead(chosen: readonly (readonly Extent[])[], located: readonly Located[]): void {
    if (this.#readAheadBytes >= MAX_READ_AHEAD_BYTES) return
    const missing = nextExtents(chosen, located).filter(extent => !this.#cache.has(extent))
    if (missing.length === 0) return
    const sizeBytes = missing.reduce((sum, extent) => sum + extent.sizeBytes, 0)
    this.#readAheadBytes += sizeBytes
    const holds = new Holds()
    this.#cache
      .load(missing, holds)
      // Requests for these extents get the error themselves, if it persists.
      .catch((error: unknown) => this.#log.debug('could not prefetch an object', { error }))
      .finally(() => {
        this.#readAheadBytes -= sizeBytes
        holds.release()
      })
  }
}

/** The extents after those of an answer in each partition, up to the same number of bytes. */
function nextExtents(chosen: readonly (readonly Extent[])[], located: readonly Located[]): Extent[] {
  return chosen.flatMap((answered, index) => {
    const { extents } = located[index]!
    let leftBytes = answered.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    let end = answered.length
    while (end < extents.length && leftBytes > 0) leftBytes -= extents[end++]!.sizeBytes
    return extents.slice(answered.length, end)
  })
}

/** Cuts whole batches out of extents: between two offsets, and up to a number of bytes. */
class Cut {
  readonly records: Buffer[] = []
  sizeBytes = 0
  readonly #from: number
  readonly #end: number
  readonly #maxBytes: number
  #mustTakeOne: boolean
  #isFull = false
  /** Whether there was more than fitted. */
  lacksRoom = false
  /** The offset after the last batch taken. */
  end = 0

  constructor(from: number, end: number, maxBytes: number, mustTakeOne: boolean) {
    this.#from = from
    this.#end = end
    this.#maxBytes = maxBytes
    this.#mustTakeOne = mustTakeOne
  }

  take(extent: Extent, bytes: Buffer): void {
    if (this.#isFull) return
    const isWhole = extent.baseOffset >= this.#from && extent.lastOffset < this.#end
    if (isWhole && this.sizeBytes + bytes.length <= this.#maxBytes) return this.#add(bytes, extent.lastOffset + 1)

    let start = 0
    let position = 0
    let offset = extent.baseOffset
    while (position < bytes.length) {
      const batch = batchExtent(bytes, position)!
      const nextOffset = offset + batch.offsets
      if (nextOffset <= this.#from) {
        start = position + batch.sizeBytes
      } else {
        const fits = this.sizeBytes + position + batch.sizeBytes - start <= this.#maxBytes
        const isOwed = this.#mustTakeOne && this.sizeBytes === 0 && position === start
        if (offset >= this.#end || (!fits && !isOwed)) {
          this.#isFull = true
          this.lacksRoom = offset < this.#end
          break
        }
      }
      position += batch.sizeBytes
      offset = nextOffset
    }
    if (position > start) this.#add(bytes.subarray(start, position), offset)
  }

  #add(bytes: Buffer, end: number): void {
    this.records.push(bytes)
    this.end = end
    this.sizeBytes += bytes.length
    this.#mustTakeOne = false
  }
}

/** Chooses the extents that an answer may need, by size: at least one, then until the limits are used up. */
function chooseExtents(queries: readonly FetchQuery[], located: readonly Located[], maxBytes: number): Extent[][] {
  let leftBytes = maxBytes
  let isFirst = true
  return queries.map((query, index) => {
    const chosen: Extent[] = []
    const limit = Math.min(query.maxBytes, leftBytes)
    let bytes = 0
    for (const extent of located[index]!.extents) {
      if (bytes >= limit && !(isFirst && chosen.length === 0)) break
      chosen.push(extent)
      bytes += sizeFrom(extent, query.offset)
    }
    if (chosen.length > 0) isFirst = false
    leftBytes -= Math.min(bytes, limit)
    return chosen
  })
}

/** Estimates how many bytes of an extent are at or after an offset. */
function sizeFrom(extent: Extent, offset: number): number {
  if (offset <= extent.baseOffset) return extent.sizeBytes
  const share = (extent.lastOffset + 1 - offset) / (extent.lastOffset + 1 - extent.baseOffset)
  return Math.floor(extent.sizeBytes * share)
}

/** The extents starting with the one that contains this offset, or undefined if none does. */
function from(extents: readonly Extent[], offset: number): readonly Extent[] | undefined {
  if (extents.length === 0 || offset < extents[0]!.baseOffset || offset > extents.at(-1)!.lastOffset) return undefined
  let low = 0
  let high = extents.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (extents[middle]!.lastOffset < offset) low = middle + 1
    else high = middle
  }
  // Always a copy, because a tail keeps changing while we read.
  return extents.slice(low)
}

/** Aborted transactions with records in [from, end), in the order in which clients expect them. */
function overlapping(aborted: readonly AbortedTransaction[], from: number, end: number): AbortedTransaction[] {
  return aborted
    .filter(({ firstOffset, lastOffset }) => firstOffset < end && lastOffset >= from)
    .toSorted((a, b) => a.firstOffset - b.firstOffset)
}

function nothing(error: Fetched['error'], bounds: PartitionBounds): Located {
  return { error, bounds, extents: [], aborted: [], stableEnd: bounds.highWatermark }
}

function failed(error: Fetched['error'], bounds: PartitionBounds): Fetched {
  return { error, bounds, records: [], sizeBytes: 0, aborted: [] }
}
