import type { Clock } from '../../base/index.ts'
import type { Appended, Extent, PartitionBounds, PartitionId } from '../../metadata/index.ts'

/** What is known of the end of a partition without asking. */
export interface Tail extends PartitionBounds {
  /** The latest extents without a gap up to the high watermark; none when nothing was appended since we know it. */
  readonly extents: readonly Extent[]
  /** Monotonic time in milliseconds at which this was true for sure; another process may have appended since. */
  readonly knownAt: number
}

const MAX_EXTENTS = 256
const MAX_PARTITIONS = 10_000

/**
 * The ends of the partitions that are in use, kept up to date by what is committed. A reader at the end of a partition
 * finds all it needs here; one that is further back asks the metadata.
 */
export class Tails {
  /** In the order of their last use. */
  readonly #tails = new Map<PartitionId, Tail & { extents: Extent[] }>()
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get(partition: PartitionId): Tail | undefined {
    return this.#tails.get(partition)
  }

  /** Takes over what a commit has added. */
  appended({ partition, extents, appendedBytes: _, ...bounds }: Appended): void {
    const known = this.#tails.get(partition)
    // What another process has added may be heard of after later commits.
    if (extents.length === 0 || (known && known.highWatermark > bounds.highWatermark)) {
      return this.learned(partition, bounds)
    }
    const fits = known && extents[0]!.baseOffset === known.highWatermark
    const joined = fits ? known.extents : []
    joined.push(...extents)
    // Cut seldom and by half, so that an append costs the same however long the tail is.
    if (joined.length > MAX_EXTENTS) joined.splice(0, joined.length - MAX_EXTENTS / 2)
    this.#set(partition, { ...bounds, extents: joined, knownAt: this.#clock.monotonic() })
  }

  /** Takes over bounds that were just read. An append that came meanwhile is later than they are. */
  learned(partition: PartitionId, bounds: PartitionBounds): void {
    const known = this.#tails.get(partition)
    if (known && known.highWatermark > bounds.highWatermark) {
      this.#set(partition, { ...known, logStartOffset: Math.max(known.logStartOffset, bounds.logStartOffset) })
    } else {
      const { logStartOffset, highWatermark, lastStableOffset, sizeBytes } = bounds
      const extents = known?.highWatermark === highWatermark ? known.extents : []
      const knownAt = this.#clock.monotonic()
      this.#set(partition, { logStartOffset, highWatermark, lastStableOffset, sizeBytes, extents, knownAt })
    }
  }

  /** The partitions that are known. */
  partitions(): PartitionId[] {
    return [...this.#tails.keys()]
  }

  forget(partition: PartitionId): void {
    this.#tails.delete(partition)
  }

  #set(partition: PartitionId, tail: Tail & { extents: Extent[] }): void {
    this.#tails.delete(partition)
    this.#tails.set(partition, tail)
    if (this.#tails.size > MAX_PARTITIONS) this.#tails.delete(this.#tails.keys().next().value!)
  }
}
