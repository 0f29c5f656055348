import type {
  AbortedTransaction,
  Appended,
  Assignment,
  CommitErrorCode,
  Extent,
  NewBatch,
  NewObject,
  PartitionId,
} from './metadata.ts'
import { finishTransaction, stepTransaction, type Transaction, type TransactionEnd } from './transaction.ts'

/** What a commit needs to know about a partition. */
export interface PartitionState {
  readonly logStartOffset: number
  readonly nextOffset: number
  readonly sizeBytes: number
  /** The latest time assigned by LogAppendTime here, in milliseconds since 1970; 0 if none. */
  readonly lastAppendAt: number
  /** The first offset of the oldest open transaction, or null. */
  readonly firstUnstable: number | null
}

/** A remembered batch of a producer: its first and last sequence, and the offset it got. */
export type RememberedBatch = readonly [firstSequence: number, lastSequence: number, baseOffset: number]

/** The remembered state of an idempotent producer in one partition. */
export interface ProducerState {
  readonly epoch: number
  /** The latest batches, oldest first, at most REMEMBERED_BATCHES. */
  readonly batches: readonly RememberedBatch[]
  /** The first offset of its open transaction here, or null. */
  readonly transactionStart: number | null
}

/** A transactional id and the partitions of its open transaction. */
export interface TransactionState {
  readonly transaction: Transaction
  readonly partitions: ReadonlySet<PartitionId>
}

/** Everything that a commit reads. Absent entries do not exist. */
export interface PlanState {
  readonly partitions: ReadonlyMap<PartitionId, PartitionState>
  readonly producers: ReadonlyMap<ProducerKey, ProducerState>
  /** By transactional id. */
  readonly transactions: ReadonlyMap<string, TransactionState>
  /** First offsets of open transactions by producer id, for the partitions that get markers. */
  readonly open: ReadonlyMap<PartitionId, ReadonlyMap<number, number>>
  /** Current epochs of the leases of the batches' fences. */
  readonly fences: ReadonlyMap<string, number>
}

/** The result of one commit. */
export interface Committed {
  /** For each object, an assignment per batch. */
  readonly assignments: Assignment[][]
  /** The appends to each partition, with its bounds after this commit. */
  readonly appended: readonly Appended[]
}

/** Everything that commits write together, and their results. */
export interface Plan {
  /** For each commit, its result. */
  readonly commits: readonly Committed[]
  /** For each object, the extents it adds; an object without any is garbage immediately. */
  readonly extents: Extent[][]
  /** The new states of the partitions and producers that changed. */
  readonly partitions: ReadonlyMap<PartitionId, PartitionState>
  readonly producers: ReadonlyMap<ProducerKey, ProducerState>
  /** The transactional ids that changed, with all partitions of their transactions afterwards. */
  readonly transactions: ReadonlyMap<string, TransactionState>
  /** The ends that were accepted. */
  readonly ends: readonly TransactionEnd[]
  readonly aborted: ReadonlyMap<PartitionId, readonly AbortedTransaction[]>
}

/** A producer in a partition, as one value: `partition/producerId`. */
export type ProducerKey = `${PartitionId}/${number}`

/** Kafka remembers five, because a client has at most five requests in flight. */
const REMEMBERED_BATCHES = 5

const SEQUENCES = 2 ** 31

export function producerKey(partition: PartitionId, producerId: number): ProducerKey {
  return `${partition}/${producerId}`
}

/** The sequence that is `count` after another; 2^31 - 1 is followed by 0. */
function advanceSequence(sequence: number, count: number): number {
  return (sequence + count) % SEQUENCES
}

/**
 * Decides the outcome of commits that are written together: which batches are accepted, which offsets they get, which
 * are duplicates, which transactions begin and end. Commits, their objects and batches are processed in order, each on
 * the state that the previous ones left.
 */
export function plan(state: PlanState, commits: readonly (readonly NewObject[])[], now: number): Plan {
  const planning = new Planning(state, now)
  const results = commits.map(objects => planning.commit(objects))
  const { extents, partitions, producers, transactions, ends, aborted } = planning
  return { commits: results, extents, partitions, producers, transactions, ends, aborted }
}

class Planning {
  readonly extents: Extent[][] = []
  readonly partitions = new Map<PartitionId, PartitionState>()
  readonly producers = new Map<ProducerKey, ProducerState>()
  readonly transactions = new Map<string, TransactionState>()
  readonly ends: TransactionEnd[] = []
  readonly aborted = new Map<PartitionId, AbortedTransaction[]>()
  readonly #state: PlanState
  readonly #now: number
  /** Open transactions of the partitions that get markers, after the batches processed so far. */
  readonly #open: ReadonlyMap<PartitionId, Map<number, number>>

  constructor(state: PlanState, now: number) {
    this.#state = state
    this.#now = now
    this.#open = new Map(Array.from(state.open, ([partition, open]) => [partition, new Map(open)]))
  }

  commit(objects: readonly NewObject[]): Committed {
    const before = this.extents.length
    const assignments = objects.map(object => this.#object(object))
    return { assignments, appended: this.#appendedBy(this.extents.slice(before).flat()) }
  }

  /** Only what these extents hold, because a later commit may add to the same partition, or end its transactions. */
  #appendedBy(added: readonly Extent[]): Appended[] {
    const byPartition = Map.groupBy(added, ({ partition }) => partition)
    return Array.from(byPartition, ([partition, extents]) => {
      // Every partition with a new extent has a new state.
      const { logStartOffset, nextOffset, sizeBytes, firstUnstable } = this.partitions.get(partition)!
      const lastStableOffset = Math.max(firstUnstable ?? nextOffset, logStartOffset)
      const { baseOffset } = extents[0]!
      return {
        partition,
        extents,
        appendedBytes: extents.reduce((sum, extent) => sum + extent.sizeBytes, 0),
        aborted: (this.aborted.get(partition) ?? []).filter(({ lastOffset }) => lastOffset >= baseOffset),
        ...{ logStartOffset, highWatermark: nextOffset, lastStableOffset, sizeBytes },
      }
    })
  }

  #object(object: NewObject): Assignment[] {
    const run = new ExtentRun(object.key)
    this.extents.push(run.extents)
    /** Whether the ends that the object has markers for are accepted, by key. */
    const accepted = new Map<string, boolean>()
    return object.batches.map(batch => this.#assign(batch, object, run, accepted))
  }

  #assign(batch: NewBatch, object: NewObject, run: ExtentRun, accepted: Map<string, boolean>): Assignment {
    const partition = this.partitions.get(batch.partition) ?? this.#state.partitions.get(batch.partition)
    const { fence } = batch
    if (fence !== undefined && this.#state.fences.get(fence.lease) !== fence.epoch)
      return { ok: false, code: 'PRODUCER_FENCED', logStartOffset: -1 }
    if (batch.transaction?.kind === 'marker') {
      const { end } = batch.transaction
      const key = endKey(end)
      const isAccepted = accepted.get(key) ?? this.#acceptEnd(end, object)
      accepted.set(key, isAccepted)
      if (!isAccepted) return { ok: false, code: 'CONCURRENT_TRANSACTIONS', logStartOffset: -1 }
    }
    if (!partition) return { ok: false, code: 'UNKNOWN_TOPIC_OR_PARTITION', logStartOffset: -1 }
    if (batch.producerId < 0) return this.#append(batch, partition, run)
    const code =
      batch.transaction?.kind === 'marker'
        ? this.#mark(batch, batch.transaction.end, partition)
        : this.#write(batch, partition)
    if (typeof code === 'string') return { ok: false, code, logStartOffset: partition.logStartOffset }
    if (code !== undefined) {
      const { logStartOffset } = partition
      return { ok: true, baseOffset: code.baseOffset, appendTimestamp: -1, logStartOffset, duplicate: true }
    }
    return this.#append(batch, this.partitions.get(batch.partition) ?? partition, run)
  }

  /** Appends an accepted batch to the end of its partition. */
  #append(batch: NewBatch, partition: PartitionState, run: ExtentRun): Assignment {
    const { nextOffset, logStartOffset } = partition
    const appendTimestamp = batch.appendTime ? Math.max(this.#now, partition.lastAppendAt) : -1
    // A batch without a timestamp counts as old as its commit; otherwise retention would remove it immediately.
    const maxTimestamp =
      appendTimestamp >= 0 ? appendTimestamp : batch.maxTimestamp >= 0 ? batch.maxTimestamp : this.#now
    run.add(batch, nextOffset, maxTimestamp, appendTimestamp)
    this.partitions.set(batch.partition, {
      logStartOffset,
      nextOffset: nextOffset + batch.records,
      sizeBytes: partition.sizeBytes + batch.sizeBytes,
      lastAppendAt: Math.max(partition.lastAppendAt, appendTimestamp),
      firstUnstable: partition.firstUnstable,
    })
    return { ok: true, baseOffset: nextOffset, appendTimestamp, logStartOffset, duplicate: false }
  }

  /**
   * Checks the records of an idempotent or transactional producer: undefined if they are next, otherwise the error, or
   * the offset of the batch they duplicate.
   */
  #write(batch: NewBatch, partition: PartitionState): CommitErrorCode | { readonly baseOffset: number } | undefined {
    const key = producerKey(batch.partition, batch.producerId)
    const producer = this.producers.get(key) ?? this.#state.producers.get(key)
    const { transaction } = batch
    const isRecords = transaction?.kind === 'records'
    const owner = isRecords ? this.#ownerProblem(transaction.id, batch) : undefined
    if (owner !== undefined) return owner
    const verdict = judgeSequence(producer, batch, isRecords && transaction.joins)
    if (verdict.kind === 'refused') return verdict.code
    if (verdict.kind === 'duplicate') return verdict
    if (!isRecords) {
      // While a producer has a transaction open, all its records must belong to it.
      if (producer && producer.transactionStart !== null) return 'INVALID_TXN_STATE'
      this.producers.set(key, remember(producer, batch, partition.nextOffset, null))
      return undefined
    }
    const problem = this.#join(transaction.id, batch, transaction.joins)
    if (problem !== undefined) return problem
    const start = producer?.transactionStart ?? partition.nextOffset
    this.producers.set(key, remember(producer, batch, partition.nextOffset, start))
    this.#open.get(batch.partition)?.set(batch.producerId, start)
    if (partition.firstUnstable === null) this.partitions.set(batch.partition, { ...partition, firstUnstable: start })
    return undefined
  }

  /** Why the producer may not write for the transactional id at all; undefined if it may. */
  #ownerProblem(id: string, { producerId, producerEpoch }: NewBatch): CommitErrorCode | undefined {
    const known = this.#transaction(id)
    if (!known || known.transaction.producerId !== producerId) return 'INVALID_PRODUCER_ID_MAPPING'
    return known.transaction.epoch === producerEpoch ? undefined : 'INVALID_PRODUCER_EPOCH'
  }

  /** Ensures that the partition is in the open transaction of the transactional id. */
  #join(
    id: string,
    { partition, producerId, producerEpoch: epoch }: NewBatch,
    joins: boolean,
  ): CommitErrorCode | undefined {
    const known = this.#transaction(id)!
    if (known.partitions.has(partition)) return undefined
    if (!joins) return 'INVALID_TXN_STATE'
    const event = { kind: 'begin', producer: { producerId, epoch } } as const
    const [transaction, effect] = stepTransaction(known.transaction, id, event, this.#now)
    if (effect.kind === 'refuse') return effect.code === 'PRODUCER_FENCED' ? 'INVALID_PRODUCER_EPOCH' : effect.code
    this.transactions.set(id, { transaction: transaction!, partitions: new Set(known.partitions).add(partition) })
    return undefined
  }

  /** Ends a transaction if it still has the same owner and all of its partitions get their markers. */
  #acceptEnd(end: TransactionEnd, { batches }: NewObject): boolean {
    if (end.id === null) return true
    const known = this.#transaction(end.id)
    const transaction = finishTransaction(known?.transaction, end)
    if (known === undefined || transaction === undefined) return false
    const key = endKey(end)
    const marked = new Set<PartitionId>()
    for (const { partition, transaction } of batches) {
      if (transaction?.kind === 'marker' && endKey(transaction.end) === key) marked.add(partition)
    }
    if (!known.partitions.isSubsetOf(marked)) return false
    this.transactions.set(end.id, { transaction, partitions: new Set() })
    this.ends.push(end)
    return true
  }

  /** Closes the producer's open transaction in the partition. */
  #mark(
    { producerId, partition: id }: NewBatch,
    end: TransactionEnd,
    partition: PartitionState,
  ): CommitErrorCode | undefined {
    const key = producerKey(id, producerId)
    const producer = this.producers.get(key) ?? this.#state.producers.get(key)
    if (!producer) return undefined
    if (end.id === null && end.markerEpoch < producer.epoch) return 'INVALID_PRODUCER_EPOCH'
    const batches = end.markerEpoch === producer.epoch ? producer.batches : []
    this.producers.set(key, { epoch: end.markerEpoch, batches, transactionStart: null })
    const { transactionStart: firstOffset } = producer
    if (firstOffset === null) return undefined
    if (!end.commit) {
      const aborted = this.aborted.get(id) ?? []
      this.aborted.set(id, [...aborted, { producerId, firstOffset, lastOffset: partition.nextOffset }])
    }
    const open = this.#open.get(id) ?? new Map<number, number>()
    open.delete(producerId)
    const firstUnstable = open.size === 0 ? null : Math.min(...open.values())
    this.partitions.set(id, { ...partition, firstUnstable })
    return undefined
  }

  #transaction(id: string): TransactionState | undefined {
    return this.transactions.get(id) ?? this.#state.transactions.get(id)
  }
}

/** Identifies an end: two with the same key are the same. */
function endKey({ id, producer }: TransactionEnd): string {
  return `${producer.producerId}/${producer.epoch}/${id ?? ''}`
}

type Verdict =
  | { readonly kind: 'next' }
  | { readonly kind: 'duplicate'; readonly baseOffset: number }
  | { readonly kind: 'refused'; readonly code: CommitErrorCode }

const NEXT: Verdict = { kind: 'next' }
const OUT_OF_ORDER: Verdict = { kind: 'refused', code: 'OUT_OF_ORDER_SEQUENCE_NUMBER' }

/** Kafka's rules for idempotence (KIP-98; ProducerAppendInfo). */
function judgeSequence(producer: ProducerState | undefined, batch: NewBatch, isFirstZero: boolean): Verdict {
  const { producerEpoch: epoch, baseSequence } = batch
  // An unknown producer may start with any sequence, because its state may have expired. A producer that gets a new
  // epoch with each transaction always starts at 0 (KIP-890).
  if (!producer) return isFirstZero && baseSequence !== 0 ? OUT_OF_ORDER : NEXT
  if (epoch < producer.epoch) return { kind: 'refused', code: 'INVALID_PRODUCER_EPOCH' }
  if (epoch > producer.epoch) {
    return baseSequence === 0 ? NEXT : OUT_OF_ORDER
  }
  const lastSequence = advanceSequence(baseSequence, batch.records - 1)
  for (const [first, last, baseOffset] of producer.batches) {
    if (first === baseSequence && last === lastSequence) return { kind: 'duplicate', baseOffset }
  }
  const latest = producer.batches.at(-1)
  if (!latest) return isFirstZero && baseSequence !== 0 ? OUT_OF_ORDER : NEXT
  return baseSequence === advanceSequence(latest[1], 1) ? NEXT : OUT_OF_ORDER
}

function remember(
  producer: ProducerState | undefined,
  batch: NewBatch,
  baseOffset: number,
  transactionStart: number | null,
): ProducerState {
  const earlier = producer?.epoch === batch.producerEpoch ? producer.batches : []
  const lastSequence = advanceSequence(batch.baseSequence, batch.records - 1)
  const batches = [...earlier, [batch.baseSequence, lastSequence, baseOffset] as const].slice(-REMEMBERED_BATCHES)
  return { epoch: batch.producerEpoch, batches, transactionStart }
}

/** Joins the accepted batches of one object into extents where they are adjacent in object and partition. */
class ExtentRun {
  readonly extents: Extent[] = []
  readonly #key: string

  constructor(key: string) {
    this.#key = key
  }

  add(batch: NewBatch, baseOffset: number, maxTimestamp: number, appendTimestamp: number): void {
    const lastOffset = baseOffset + batch.records - 1
    const last = this.extents.at(-1)
    if (
      last &&
      last.partition === batch.partition &&
      last.lastOffset + 1 === baseOffset &&
      last.position + last.sizeBytes === batch.position &&
      last.appendTimestamp === appendTimestamp
    ) {
      this.extents[this.extents.length - 1] = {
        ...last,
        lastOffset,
        sizeBytes: last.sizeBytes + batch.sizeBytes,
        maxTimestamp: Math.max(last.maxTimestamp, maxTimestamp),
      }
      return
    }
    const { partition, position, sizeBytes } = batch
    this.extents.push({
      partition,
      baseOffset,
      lastOffset,
      key: this.#key,
      position,
      sizeBytes,
      maxTimestamp,
      appendTimestamp,
    })
  }
}
