import type { BatchHeader } from '../../kafka/index.ts'
import type { IndexedRun } from './object-index.ts'
import type { Assignment, BatchTransaction, Fence, NewBatch, PartitionId } from '../../metadata/index.ts'
import type { Piece, SlabPool } from './slabs.ts'

/** A validated batch to be stored. */
export interface Append {
  readonly partition: PartitionId
  readonly records: Buffer
  readonly header: BatchHeader
  /** The topic has message.timestamp.type=LogAppendTime. */
  readonly appendTime: boolean
  /** Its role in a transaction, if any. */
  readonly transaction?: BatchTransaction
  /** Fences the writer, if another one may take over from it. */
  readonly fence?: Fence
}

/** The outcome for a batch. A storage error means that the batch is not stored, or may not be, and may be retried. */
export type AppendOutcome =
  | Assignment
  | { readonly ok: false; readonly code: 'KAFKA_STORAGE_ERROR'; readonly logStartOffset: -1 }

/** An append with its position and outcome. */
export interface Slot {
  readonly append: Append
  /** Position in the object; -1 until the buffer is closed. */
  position: number
  outcome: AppendOutcome | undefined
}

export const STORAGE_ERROR: AppendOutcome = { ok: false, code: 'KAFKA_STORAGE_ERROR', logStartOffset: -1 }

/** The bytes of an object: its records, followed by its self-description. */
export interface ObjectBytes {
  readonly bytes: Buffer
  readonly records: Piece
}

/** Batches of all partitions, collected for one object. */
export class FlushBuffer {
  readonly openedAt: number
  sizeBytes = 0
  readonly #slots: Slot[] = []
  readonly #requests: { readonly slots: readonly Slot[]; readonly resolve: (outcomes: AppendOutcome[]) => void }[] = []

  /** `openedAt` is monotonic time in milliseconds. */
  constructor(openedAt: number) {
    this.openedAt = openedAt
  }

  /** Assigns slots to all batches of one request, synchronously and in order; resolves when all outcomes are known. */
  add(appends: readonly Append[]): Promise<AppendOutcome[]> {
    const slots = appends.map((append): Slot => ({ append, position: -1, outcome: undefined }))
    for (const slot of slots) {
      this.#slots.push(slot)
      this.sizeBytes += slot.append.records.length
    }
    return new Promise(resolve => {
      this.#requests.push({ slots, resolve })
    })
  }

  /** Number of requests with batches in the buffer. */
  get requests(): number {
    return this.#requests.length
  }

  /** Joins the batches, grouped by partition in order of arrival, and the index of their runs in one piece of memory. */
  close(slabs: SlabPool, indexOf: (runs: readonly IndexedRun[]) => Buffer): ObjectBytes {
    const byPartition = Map.groupBy(this.#slots, ({ append }) => append.partition)
    let end = 0
    const runs = Array.from(byPartition, ([partition, slots]): IndexedRun => {
      const position = end
      for (const slot of slots) {
        slot.position = end
        end += slot.append.records.length
      }
      return { partition, position, sizeBytes: end - position, offsets: null }
    })
    const index = indexOf(runs)
    const { bytes, slab } = slabs.take(end + index.length)
    for (const { append, position } of this.#slots) append.records.copy(bytes, position)
    index.copy(bytes, end)
    return { bytes, records: { bytes: bytes.subarray(0, end), slab } }
  }

  /** The slots without an outcome, and their batches for the metadata. */
  undecided(): { slots: Slot[]; batches: NewBatch[] } {
    const slots = this.#slots.filter(({ outcome }) => outcome === undefined)
    return { slots, batches: slots.map(newBatch) }
  }

  /** Refuses the batches that are still undecided. */
  refuse(): Slot[] {
    const refused = this.#slots.filter(({ outcome }) => outcome === undefined)
    for (const slot of refused) slot.outcome = STORAGE_ERROR
    return refused
  }

  /** Answers all requests; undecided batches are refused. */
  settle(): void {
    this.refuse()
    for (const { slots, resolve } of this.#requests) resolve(slots.map(({ outcome }) => outcome!))
  }
}

function newBatch({
  append: { partition, records, header, appendTime, transaction, fence },
  position,
}: Slot): NewBatch {
  return {
    partition,
    position,
    sizeBytes: records.length,
    records: header.recordsCount,
    maxTimestamp: header.maxTimestamp,
    appendTime,
    producerId: header.producerId,
    producerEpoch: header.producerEpoch,
    baseSequence: header.baseSequence,
    transaction: transaction ?? null,
    ...(fence && { fence }),
  }
}
