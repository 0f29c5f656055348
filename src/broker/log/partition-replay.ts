import type { BatchHeader } from '../../kafka/index.ts'
import type { AbortedTransaction } from '../../metadata/index.ts'

/** A remembered batch: `[first sequence, last sequence, base offset]`. */
type Remembered = readonly [firstSequence: number, lastSequence: number, baseOffset: number]

/** The state of an idempotent producer in one partition. */
export interface ReplayedProducer {
  readonly epoch: number
  /** The latest five, oldest first. */
  readonly batches: readonly Remembered[]
  /** The first offset of its open transaction, or null. */
  readonly transactionStart: number | null
  /** Milliseconds since 1970. */
  readonly updatedAt: number
}

const REMEMBERED_BATCHES = 5
const SEQUENCES = 2 ** 31

/**
 * Derives the state of producers and transactions from the batches of a partition, in order. Replaying a
 * batch that is already included is harmless.
 */
export class PartitionReplay {
  readonly producers: Map<number, ReplayedProducer>
  readonly aborted: Map<number, AbortedTransaction>

  constructor(producers: ReadonlyMap<number, ReplayedProducer>, aborted: readonly AbortedTransaction[]) {
    this.producers = new Map(producers)
    this.aborted = new Map(aborted.map(one => [one.lastOffset, one]))
  }

  /** Whether a batch is a duplicate, as far as its producer's latest batches show. */
  isRepeated(header: BatchHeader): boolean {
    const known = this.producers.get(header.producerId)
    if (known === undefined || header.producerId < 0 || header.control) return false
    if (header.producerEpoch < known.epoch) return true
    if (header.producerEpoch > known.epoch) return false
    return known.batches.some(([first, last]) => first === header.baseSequence && last === lastSequenceOf(header))
  }

  /** Applies the batch at this offset. For a control batch `isAbort` gives its kind. */
  add(header: BatchHeader, baseOffset: number, isAbort: boolean): void {
    const { producerId: id, producerEpoch: epoch } = header
    if (id < 0) return
    const known = this.producers.get(id)
    if (header.control) {
      const start = known?.transactionStart ?? null
      const isOpen = start !== null && start < baseOffset
      if (isOpen && isAbort) {
        this.aborted.set(baseOffset, { producerId: id, firstOffset: start, lastOffset: baseOffset })
      }
      const batches = known?.epoch === epoch ? known.batches : []
      const transactionStart = isOpen ? null : start
      this.producers.set(id, { epoch, batches, transactionStart, updatedAt: header.maxTimestamp })
      return
    }
    if (known !== undefined && (epoch < known.epoch || (known.batches.at(-1)?.[2] ?? -1) >= baseOffset)) return
    const earlier = known?.epoch === epoch ? known.batches : []
    const batch: Remembered = [header.baseSequence, lastSequenceOf(header), baseOffset]
    this.producers.set(id, {
      epoch,
      batches: [...earlier, batch].slice(-REMEMBERED_BATCHES),
      transactionStart: header.transactional ? (known?.transactionStart ?? baseOffset) : null,
      updatedAt: header.maxTimestamp,
    })
  }

  /** The first offset of the oldest open transaction, or null. */
  get firstUnstable(): number | null {
    const open = Array.from(this.producers.values(), ({ transactionStart }) => transactionStart)
    const starts = open.filter(start => start !== null)
    return starts.length === 0 ? null : Math.min(...starts)
  }
}

function lastSequenceOf({ baseSequence, lastOffsetDelta }: BatchHeader): number {
  return (baseSequence + lastOffsetDelta) % SEQUENCES
}
