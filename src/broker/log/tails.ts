import type { Clock } from '../../base/index.ts'
import type { AbortedTransaction, Appended, Extent, PartitionBounds, PartitionId } from '../../metadata/index.ts'

/** What is known of the end of a partition without asking. */
export interface Tail extends PartitionBounds {
  /** The latest extents without a gap up to the high watermark; none when nothing was appended since we know it. */
  readonly extents: readonly Extent[]
  /** The transactions whose abort is marked in these extents. */
  readonly aborted: readonly AbortedTransaction[]
  /** Monotonic time in milliseconds at which this was true for sure; another process may have appended since. */
  readonly knownAt: number
}

const MAX_EXTENTS = 256
const MAX_PARTITIONS = 10_000

interface KnownTail extends Tail {
  readonly extents: Extent[]
}

const NONE_ABORTED: readonly AbortedTransaction[] = []

/**
 * The ends of the partitions that are in use, kept up to date by what is committed. A reader at the end of a partition
 * finds all it needs here; one that is further back asks the metadata.
 */
export class Tails {
  /** In the order of their last use. */
  readonly #tails = new Map<PartitionId, KnownTail>()
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get(partition: PartitionId): Tail | undefined {
    return this.#tails.get(partition)
  }

  /** Takes over what a commit has added. Answers whether older records became stable by it, as a transaction has ended. */
  appended(added: Appended): boolean {
    const known = this.#tails.get(added.partition)
    this.#append(known, added)
    if (known === undefined || known.lastStableOffset === known.highWatermark) return false
    return added.lastStableOffset > known.lastStableOffset
  }

  /** Takes over bounds that were just read. An append that came meanwhile is later than they are. */
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

  /** The partitions that are known. */
  partitions(): PartitionId[] {
    return [...this.#tails.keys()]
  }

  forget(partition: PartitionId): void {
    this.#tails.delete(partition)
  }

  #append(known: KnownTail | undefined, { partition, extents, aborted, appendedBytes: _, ...bounds }: Appended): void {
    // What another process has added may be heard of after later commits.
    if (extents.length === 0 || (known && known.highWatermark > bounds.highWatermark)) {
      return this.learned(partition, bounds)
    }
    const fits = known && extents[0]!.baseOffset === known.highWatermark
    const joined = fits ? known.extents : []
    joined.push(...extents)
    let allAborted = fits && known.aborted.length > 0 ? [...known.aborted, ...aborted] : aborted
    // Cut seldom and by half, so that an append costs the same however long the tail is.
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
