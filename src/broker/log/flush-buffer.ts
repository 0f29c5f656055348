import type { BatchHeader } from '../../kafka/index.ts'
import type { IndexedRun } from './object-index.ts'
import type { Assignment, BatchTransaction, Fence, NewBatch, PartitionId } from '../../metadata/index.ts'
import type { Piece, SlabPool } from './slabs.ts'

/** A batch that passed its check and wants to be stored. */
export interface Append {
  readonly partition: PartitionId
  readonly records: Buffer
  readonly header: BatchHeader
  /** The topic has message.timestamp.type=LogAppendTime. */
  readonly appendTime: boolean
  /** What it has to do with a transaction, if anything. */
  readonly transaction?: BatchTransaction
  /** The writer's right to write, where another one may take it over. */
  readonly fence?: Fence
}

/** What became of a batch. A storage error means that it is not stored, or not known to be, and may be sent again. */
export type AppendOutcome =
  | Assignment
  | { readonly ok: false; readonly code: 'KAFKA_STORAGE_ERROR'; readonly logStartOffset: -1 }

/** An append in its slot. */
export interface Slot {
  readonly append: Append
  /** Where it lies in the object; -1 until the buffer is closed. */
  position: number
  outcome: AppendOutcome | undefined
}

export const STORAGE_ERROR: AppendOutcome = { ok: false, code: 'KAFKA_STORAGE_ERROR', logStartOffset: -1 }

/** Batches of all partitions on their way into one object. */
export class FlushBuffer {
  readonly openedAt: number
  sizeBytes = 0
  readonly #slots: Slot[] = []
  readonly #requests: { readonly slots: readonly Slot[]; readonly resolve: (outcomes: AppendOutcome[]) => void }[] = []

  /** `openedAt` is monotonic time in milliseconds. */
  constructor(openedAt: number) {
    this.openedAt = openedAt
  }

  /** Gives all batches of one request their slots, at once and in order; resolves when the fate of all is known. */
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

  /** How many requests have batches in it. */
  get requests(): number {
    return this.#requests.length
  }

  /** Joins the batches to the body of an object, those of one partition side by side in the order of their arrival. */
  close(slabs: SlabPool): Piece {
    const byPartition = Map.groupBy(this.#slots, ({ append }) => append.partition)
    const piece = slabs.take(this.sizeBytes)
    let position = 0
    for (const slots of byPartition.values()) {
      for (const slot of slots) {
        slot.position = position
        position += slot.append.records.copy(piece.bytes, position)
      }
    }
    return piece
  }

  /** Where the batches of each partition lie, once it is closed. */
  runs(): IndexedRun[] {
    const byPartition = Map.groupBy(this.#slots, ({ append }) => append.partition)
    return Array.from(byPartition, ([partition, slots]) => ({
      partition,
      position: slots[0]!.position,
      sizeBytes: slots.reduce((sum, { append }) => sum + append.records.length, 0),
      offsets: null,
    }))
  }

  /** The slots whose fate is open, and what the metadata have to know of them. */
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
