import type { Assignment, CommitErrorCode, Extent, NewBatch, NewObject, PartitionId } from './metadata.ts'

/** What a commit has to know of a partition. */
export interface PartitionState {
  readonly logStartOffset: number
  readonly nextOffset: number
  readonly sizeBytes: number
  /** The latest time that LogAppendTime has given here, in milliseconds since 1970; 0 if none. */
  readonly lastAppendAt: number
}

/** One of the batches that are remembered of a producer: where its sequences began and ended, and the offset it got. */
export type RememberedBatch = readonly [firstSequence: number, lastSequence: number, baseOffset: number]

/** What is remembered of an idempotent producer in one partition. */
export interface ProducerState {
  readonly epoch: number
  /** The latest ones, oldest first, at most REMEMBERED_BATCHES. */
  readonly batches: readonly RememberedBatch[]
}

/** All that a commit reads. A partition or producer that is missing does not exist. */
export interface PlanState {
  readonly partitions: ReadonlyMap<PartitionId, PartitionState>
  readonly producers: ReadonlyMap<ProducerKey, ProducerState>
}

/** All that a commit writes, and what it answers. */
export interface Plan {
  /** For each object an assignment for each of its batches. */
  readonly assignments: Assignment[][]
  /** For each object the extents it adds; an object without any is garbage immediately. */
  readonly extents: Extent[][]
  /** The partitions and producers that changed, as they are afterwards. */
  readonly partitions: ReadonlyMap<PartitionId, PartitionState>
  readonly producers: ReadonlyMap<ProducerKey, ProducerState>
}

/** A producer in a partition, as one value: `partition/producerId`. */
export type ProducerKey = `${PartitionId}/${number}`

/** Kafka remembers five, because a client has at most five requests in flight. */
const REMEMBERED_BATCHES = 5

const SEQUENCES = 2 ** 31

export function producerKey(partition: PartitionId, producerId: number): ProducerKey {
  return `${partition}/${producerId}`
}

/** The sequence `count` after another one; after 2^31 - 1 comes 0. */
function advanceSequence(sequence: number, count: number): number {
  return (sequence + count) % SEQUENCES
}

/**
 * Decides what becomes of objects that wait for their commit: which batches are taken, which offsets they get, which are
 * repetitions. Objects and batches are judged in their order, each on what those before it left.
 */
export function plan(state: PlanState, objects: readonly NewObject[], now: number): Plan {
  const partitions = new Map<PartitionId, PartitionState>()
  const producers = new Map<ProducerKey, ProducerState>()
  const extents: Extent[][] = []

  const assignments = objects.map(object => {
    const run = new ExtentRun(object.key)
    const assigned = object.batches.map(batch => assign(batch, run))
    extents.push(run.extents)
    return assigned
  })
  return { assignments, extents, partitions, producers }

  function assign(batch: NewBatch, run: ExtentRun): Assignment {
    const partition = partitions.get(batch.partition) ?? state.partitions.get(batch.partition)
    if (!partition) return { ok: false, code: 'UNKNOWN_TOPIC_OR_PARTITION', logStartOffset: -1 }
    const { logStartOffset } = partition
    // Transactions are not kept yet; a batch of one must not be taken for a plain batch.
    if (batch.transactional) return { ok: false, code: 'INVALID_TXN_STATE', logStartOffset }

    if (batch.producerId >= 0) {
      const key = producerKey(batch.partition, batch.producerId)
      const producer = producers.get(key) ?? state.producers.get(key)
      const verdict = judgeSequence(producer, batch)
      switch (verdict.kind) {
        case 'refused':
          return { ok: false, code: verdict.code, logStartOffset }
        case 'duplicate':
          return { ok: true, baseOffset: verdict.baseOffset, appendTimestamp: -1, logStartOffset, duplicate: true }
        case 'next':
          producers.set(key, remember(producer, batch, partition.nextOffset))
      }
    }

    const appendTimestamp = batch.appendTime ? Math.max(now, partition.lastAppendAt) : -1
    // Without a timestamp a batch is as old as its commit, else retention would take it at once.
    const maxTimestamp = appendTimestamp >= 0 ? appendTimestamp : batch.maxTimestamp >= 0 ? batch.maxTimestamp : now
    run.add(batch, partition.nextOffset, maxTimestamp, appendTimestamp)
    partitions.set(batch.partition, {
      logStartOffset,
      nextOffset: partition.nextOffset + batch.records,
      sizeBytes: partition.sizeBytes + batch.sizeBytes,
      lastAppendAt: Math.max(partition.lastAppendAt, appendTimestamp),
    })
    return { ok: true, baseOffset: partition.nextOffset, appendTimestamp, logStartOffset, duplicate: false }
  }
}

type Verdict =
  | { readonly kind: 'next' }
  | { readonly kind: 'duplicate'; readonly baseOffset: number }
  | { readonly kind: 'refused'; readonly code: CommitErrorCode }

const NEXT: Verdict = { kind: 'next' }

/** Kafka's rules of idempotence (KIP-98; ProducerAppendInfo). */
function judgeSequence(producer: ProducerState | undefined, batch: NewBatch): Verdict {
  const { producerEpoch: epoch, baseSequence } = batch
  // Of a producer that is not known, or not any more, any sequence is taken: it may have been forgotten by age.
  if (!producer) return NEXT
  if (epoch < producer.epoch) return { kind: 'refused', code: 'INVALID_PRODUCER_EPOCH' }
  if (epoch > producer.epoch) {
    return baseSequence === 0 ? NEXT : { kind: 'refused', code: 'OUT_OF_ORDER_SEQUENCE_NUMBER' }
  }
  const lastSequence = advanceSequence(baseSequence, batch.records - 1)
  for (const [first, last, baseOffset] of producer.batches) {
    if (first === baseSequence && last === lastSequence) return { kind: 'duplicate', baseOffset }
  }
  const latest = producer.batches.at(-1)
  if (!latest || baseSequence === advanceSequence(latest[1], 1)) return NEXT
  return { kind: 'refused', code: 'OUT_OF_ORDER_SEQUENCE_NUMBER' }
}

function remember(producer: ProducerState | undefined, batch: NewBatch, baseOffset: number): ProducerState {
  const earlier = producer?.epoch === batch.producerEpoch ? producer.batches : []
  const lastSequence = advanceSequence(batch.baseSequence, batch.records - 1)
  const batches = [...earlier, [batch.baseSequence, lastSequence, baseOffset] as const].slice(-REMEMBERED_BATCHES)
  return { epoch: batch.producerEpoch, batches }
}

/** Joins the accepted batches of one object into extents, where they lie side by side in object and partition. */
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
