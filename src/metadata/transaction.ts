/** A producer id and epoch: the identity that may act for a transactional id. */
export interface ProducerIdentity {
  readonly producerId: number
  readonly epoch: number
}

/**
 * The phase of a transactional id, by Kafka's names. `Ongoing`: a transaction is open, its producer may write and end
 * it. `PrepareAbort`: its producer is fenced and the markers of the abort are being written. A commit or abort that the
 * producer requests has no phase, because the markers and its result are committed together.
 */
export type TransactionPhase = 'Empty' | 'Ongoing' | 'PrepareAbort' | 'CompleteCommit' | 'CompleteAbort'

/** A transactional id and its latest transaction. */
export interface Transaction extends ProducerIdentity {
  readonly id: string
  /** How long a transaction may stay open, in milliseconds. */
  readonly timeoutMs: number
  readonly phase: TransactionPhase
  /** When the open transaction began, in milliseconds since 1970; null while none is open. */
  readonly startedAt: number | null
  /**
   * The identity that the owner's own request replaced with the present one. If the owner repeats the request with it,
   * the answer was lost (KIP-360, KIP-890). Null if another producer took over, so that the former owner stays fenced.
   */
  readonly previous: ProducerIdentity | null
}

/** A decided end of a transaction, to be written as a marker in each of its partitions. */
export interface TransactionEnd {
  /**
   * The transactional id; null for closing a producer's open transactions in
   * single partitions at an operator's request.
   */
  readonly id: string | null
  /** The identity that must own the transaction when the markers are committed. */
  readonly producer: ProducerIdentity
  readonly commit: boolean
  /** The epoch in the markers: higher than that of the records if the epoch is bumped (KIP-890). */
  readonly markerEpoch: number
  /** The identity that owns the transactional id afterwards. */
  readonly next: ProducerIdentity
}

export type TransactionEvent =
  /**
   * InitProducerId: another transaction of the id, if any, is aborted and its producer fenced. `producer` is the
   * previous identity of a producer that continues (KIP-360), otherwise null. `freshProducerId` is used if the id has
   * none yet or its epochs are exhausted.
   */
  | {
      readonly kind: 'init'
      readonly producer: ProducerIdentity | null
      readonly timeoutMs: number
      readonly freshProducerId: number
    }
  /** A partition or group is added; the transaction begins if none is open. */
  | { readonly kind: 'begin'; readonly producer: ProducerIdentity; readonly group?: string }
  /** A partition or group is added to a transaction that must be open. */
  | { readonly kind: 'join'; readonly producer: ProducerIdentity }
  /** EndTxn. With `nextEpoch` the producer continues with a new epoch (KIP-890). */
  | {
      readonly kind: 'end'
      readonly producer: ProducerIdentity
      readonly commit: boolean
      readonly nextEpoch: boolean
      readonly freshProducerId: number
    }
  /** Aborts the transaction if it has been open for longer than its timeout, or if its abort was not finished. */
  | { readonly kind: 'expire' }

type TransactionRefusal =
  | 'INVALID_PRODUCER_ID_MAPPING'
  | 'PRODUCER_FENCED'
  | 'INVALID_TXN_STATE'
  | 'CONCURRENT_TRANSACTIONS'

/** The consequence of an event. */
export type TransactionEffect =
  | { readonly kind: 'refuse'; readonly code: TransactionRefusal }
  /** The event is complete. */
  | { readonly kind: 'done'; readonly producer: ProducerIdentity }
  /** Markers must be written; then `finishTransaction` decides. After that an `init` starts again. */
  | { readonly kind: 'write_markers'; readonly end: TransactionEnd }

/** Epochs are 16 bits; the last one is reserved for fencing, so that it never belongs to a producer (as in Kafka). */
const LAST_EPOCH = 2 ** 15 - 2

type Step = readonly [Transaction | undefined, TransactionEffect]

/**
 * Applies an event to a transactional id (undefined if unknown), by Kafka's rules (KIP-98, KIP-360, KIP-890). The new
 * state must be stored before the effect is carried out. `now` is in milliseconds since 1970.
 */
export function stepTransaction(
  transaction: Transaction | undefined,
  id: string,
  event: TransactionEvent,
  now: number,
): Step {
  if (event.kind === 'init') return init(transaction, id, event)
  if (transaction === undefined) return refuse(transaction, 'INVALID_PRODUCER_ID_MAPPING')
  if (event.kind === 'expire') return expire(transaction, now)
  if (event.kind === 'end' && event.nextEpoch && isPrevious(transaction, event.producer)) {
    return answerAgain(transaction, event.commit)
  }
  const { producer } = event
  if (producer.producerId !== transaction.producerId) return refuse(transaction, 'INVALID_PRODUCER_ID_MAPPING')
  if (producer.epoch !== transaction.epoch) return refuse(transaction, 'PRODUCER_FENCED')
  if (transaction.phase === 'PrepareAbort') return refuse(transaction, 'CONCURRENT_TRANSACTIONS')
  switch (event.kind) {
    case 'begin':
      return begin(transaction, now)
    case 'join':
      return transaction.phase === 'Ongoing' ? done(transaction) : refuse(transaction, 'INVALID_TXN_STATE')
    case 'end':
      return end(transaction, event)
    default:
      return event satisfies never
  }
}

/**
 * Returns the transaction after its markers were written, or undefined if the end came too late: another end was
 * committed before, or the producer was fenced.
 */
export function finishTransaction(transaction: Transaction | undefined, end: TransactionEnd): Transaction | undefined {
  if (transaction === undefined || !isSame(transaction, end.producer)) return undefined
  const isOpen = transaction.phase === 'Ongoing' || (transaction.phase === 'PrepareAbort' && !end.commit)
  if (!isOpen) return undefined
  return {
    ...transaction,
    ...end.next,
    phase: end.commit ? 'CompleteCommit' : 'CompleteAbort',
    startedAt: null,
    previous: isSame(end.next, end.producer) ? transaction.previous : end.producer,
  }
}

function init(
  transaction: Transaction | undefined,
  id: string,
  { producer, timeoutMs, freshProducerId }: Extract<TransactionEvent, { kind: 'init' }>,
): Step {
  if (transaction === undefined) {
    const identity = { producerId: freshProducerId, epoch: 0 }
    return done({ id, ...identity, timeoutMs, phase: 'Empty', startedAt: null, previous: null })
  }
  const isOwner = producer !== null && isSame(transaction, producer)
  const isRepeated = producer !== null && isPrevious(transaction, producer)
  if (producer !== null && !isOwner && !isRepeated) return refuse(transaction, 'PRODUCER_FENCED')
  switch (transaction.phase) {
    case 'PrepareAbort':
      return writeAbort(transaction)
    case 'Ongoing':
      if (isRepeated) return refuse(transaction, 'PRODUCER_FENCED')
      return writeAbort(fence(transaction, isOwner ? producer : null))
    case 'Empty':
    case 'CompleteCommit':
    case 'CompleteAbort': {
      if (isRepeated) return done({ ...transaction, timeoutMs })
      const next = following(transaction, freshProducerId)
      return done({ ...transaction, ...next, timeoutMs, phase: 'Empty', previous: isOwner ? producer : null })
    }
    default:
      return transaction.phase satisfies never
  }
}

function begin(transaction: Transaction, now: number): Step {
  if (transaction.phase === 'Ongoing') return done(transaction)
  return done({ ...transaction, phase: 'Ongoing', startedAt: now })
}

function end(
  transaction: Transaction,
  { producer, commit, nextEpoch, freshProducerId }: Extract<TransactionEvent, { kind: 'end' }>,
): Step {
  const { phase } = transaction
  if (phase === 'Ongoing') {
    if (!nextEpoch) {
      const end = { id: transaction.id, producer, commit, markerEpoch: producer.epoch, next: producer }
      return [transaction, { kind: 'write_markers', end }]
    }
    const next = following(producer, freshProducerId)
    const end = { id: transaction.id, producer, commit, markerEpoch: producer.epoch + 1, next }
    return [transaction, { kind: 'write_markers', end }]
  }
  // The producer may have written something without receiving the answer: it
  // aborts what is not open and gets a new epoch.
  if (nextEpoch && !commit) {
    const next = following(producer, freshProducerId)
    return done({ ...transaction, ...next, phase: 'CompleteAbort', previous: producer })
  }
  const isRepeated = !nextEpoch && phase === (commit ? 'CompleteCommit' : 'CompleteAbort')
  return isRepeated ? done(transaction) : refuse(transaction, 'INVALID_TXN_STATE')
}

/** Answers an EndTxn that is repeated with the epoch that it has ended. */
function answerAgain(transaction: Transaction, commit: boolean): Step {
  if (transaction.phase === (commit ? 'CompleteCommit' : 'CompleteAbort')) return done(transaction)
  const isOver = transaction.phase === 'CompleteCommit' || transaction.phase === 'CompleteAbort'
  return refuse(transaction, isOver ? 'INVALID_TXN_STATE' : 'PRODUCER_FENCED')
}

function expire(transaction: Transaction, now: number): Step {
  const { phase, startedAt, timeoutMs } = transaction
  if (phase === 'PrepareAbort') return writeAbort(transaction)
  // The transaction may have ended since it was found, and another one may have begun.
  const isOverdue = phase === 'Ongoing' && startedAt !== null && startedAt + timeoutMs <= now
  // The producer may return with its old identity and continue, unless another one has taken over (KIP-588).
  return isOverdue ? writeAbort(fence(transaction, identityOf(transaction))) : done(transaction)
}

/** Fences the producer: nothing from it is accepted any more, and its open transaction is aborted. */
function fence(transaction: Transaction, previous: ProducerIdentity | null): Transaction {
  return { ...transaction, epoch: transaction.epoch + 1, phase: 'PrepareAbort', previous }
}

function identityOf({ producerId, epoch }: ProducerIdentity): ProducerIdentity {
  return { producerId, epoch }
}

function writeAbort(transaction: Transaction): Step {
  const { id, producerId, epoch } = transaction
  const producer = { producerId, epoch }
  const end = { id, producer, commit: false, markerEpoch: epoch, next: producer }
  return [transaction, { kind: 'write_markers', end }]
}

function following({ producerId, epoch }: ProducerIdentity, freshProducerId: number): ProducerIdentity {
  return epoch < LAST_EPOCH ? { producerId, epoch: epoch + 1 } : { producerId: freshProducerId, epoch: 0 }
}

function done(transaction: Transaction): Step {
  const { producerId, epoch } = transaction
  return [transaction, { kind: 'done', producer: { producerId, epoch } }]
}

function refuse(transaction: Transaction | undefined, code: TransactionRefusal): Step {
  return [transaction, { kind: 'refuse', code }]
}

function isPrevious({ previous }: Transaction, producer: ProducerIdentity): boolean {
  return previous !== null && isSame(previous, producer)
}

function isSame(one: ProducerIdentity, other: ProducerIdentity): boolean {
  return one.producerId === other.producerId && one.epoch === other.epoch
}
