import type { Clock } from '../../base/index.ts'
import type { AbortedTransaction, Appended, Extent, PartitionBounds, PartitionId } from '../../metadata/index.ts'

/** Local knowledge of the end of a partition. */
export interface Tail extends PartitionBounds {
  /**
   * The latest extents, contiguous up to the high watermark; empty if nothing was
   * appended since the partition became known.
   */
  readonly extents: readonly Extent[]
  /** The transactions whose abort markers are in these extents. */
  readonly aborted: readonly AbortedTransaction[]
  /** Monotonic time in ms at which this was last known to be accurate; another process may have appended since. */
  readonly knownAt: number
}

const MAX_EXTENTS = 256
const MAX_PARTITIONS = 10_000

interface KnownTail extends Tail {
  readonly extents: Extent[]
}

const NONE_ABORTED: readonly AbortedTransaction[] = []

/**
 * The ends of the partitions in use, kept up to date by commits. A reader at the end of a partition finds everything it
 * needs here; one that is further back queries the metadata.
 */
export class Tails {
  /** Least recently updated first. */
  readonly #tails = new Map<PartitionId, KnownTail>()
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get(partition: PartitionId): Tail | undefined {
    return this.#tails.get(partition)
  }

  /** Applies what a commit added. Returns whether older records became stable by it, because a transaction ended. */
  appended(added: Appended): boolean {
    const known = this.#tails.get(added.partition)
    this.#append(known, added)
    if (known === undefined || known.lastStableOffset === known.highWatermark) return false
    return added.lastStableOffset > known.lastStableOffset
  }

  /** Applies bounds that were just read. An append that arrived in the meantime is newer. */
  learned(partition: PartitionId, bounds: PartitionBounds): void {
    const known = this.#tails.get(partition)
    if (known && known.highWatermark > bounds.highWatermark) {
      this.#set(partition, { ...known, logStartOffset: Math.max(known.logStartOffset, bounds.logStartOffset) })
    } else {
      const { logStartOffset, highWatermark, lastStableOffset, sizeBytes } = bounds
      const isSame = known?.highWatermark === highWatermark
      const extents = isSame ? known.extents : []
      const aborted = isSame ? known.aborted : NONE_ABORTED
      const knownAt = this.#clock.monotonic()
      this.#set(partition, { logStartOffset, highWatermark, lastStableOffset, sizeBytes, extents, aborted, knownAt })
    }
  }

  /** The known partitions. */
  partitions(): PartitionId[] {
    return [...this.#tails.keys()]
  }

  forget(partition: PartitionId): void {
    this.#tails.delete(partition)
  }

  #append(known: KnownTail | undefined, { partition, extents, aborted, appendedBytes: _, ...bounds }: Appended): void {
    // Appends of another process may be reported after later commits.
    if (extents.length === 0 || (known && known.highWatermark > bounds.highWatermark)) {
      return this.learned(partition, bounds)
    }
    const fits = known && extents[0]!.baseOffset === known.highWatermark
    const joined = fits ? known.extents : []
    joined.push(...extents)
    let allAborted = fits && known.aborted.length > 0 ? [...known.aborted, ...aborted] : aborted
    // Cut rarely and by half, so that an append costs the same however long the tail is.
    if (joined.length > MAX_EXTENTS) {
      joined.splice(0, joined.length - MAX_EXTENTS / 2)
      allAborted = allAborted.filter(({ lastOffset }) => lastOffset >= joined[0]!.baseOffset)
    }
    this.#set(partition, { ...bounds, extents: joined, aborted: allAborted, knownAt: this.#clock.monotonic() })
  }

  #set(partition: PartitionId, tail: KnownTail): void {
    this.#tails.delete(partition)
    this.#tails.set(partition, tail)
    if (this.#tails.size > MAX_PARTITIONS) this.#tails.delete(this.#tails.keys().next().value!)
  }
}
