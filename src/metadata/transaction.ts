/** A producer id with its epoch: who may act for a transactional id. */
export interface ProducerIdentity {
  readonly producerId: number
  readonly epoch: number
}

/**
 * Where a transactional id stands, by Kafka's names. `Ongoing`: a transaction is open, its producer may write and end it.
 * `PrepareAbort`: its producer is fenced and the markers of the abort are being written. A commit or abort that the
 * producer asks for has no phase of its own, because the markers and its result are committed together.
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
   * The identity that the present one replaced at its owner's request. When the owner asks again with it, the answer was
   * lost (KIP-360, KIP-890). Null when another producer took over, so that the former owner stays fenced.
   */
  readonly previous: ProducerIdentity | null
}

/** The end of a transaction, decided and to be written as a marker in each of its partitions. */
export interface TransactionEnd {
  /** The transactional id; null closes what a producer has open in single partitions, on an operator's request. */
  readonly id: string | null
  /** Who has to own the transaction when the markers are committed. */
  readonly producer: ProducerIdentity
  readonly commit: boolean
  /** The epoch in the markers: later than that of the records where the epoch moves on (KIP-890). */
  readonly markerEpoch: number
  /** Who owns the transactional id afterwards. */
  readonly next: ProducerIdentity
}

export type TransactionEvent =
  /**
   * InitProducerId: another transaction of the id, if any, is to be aborted, and its producer fenced. `producer` is what
   * a producer that goes on had until now (KIP-360), else null. `freshProducerId` is used where there is none yet, or its
   * epochs are used up.
   */
  | {
      readonly kind: 'init'
      readonly producer: ProducerIdentity | null
      readonly timeoutMs: number
      readonly freshProducerId: number
    }
  /** Something is added: the transaction begins where none is open. */
  | { readonly kind: 'begin'; readonly producer: ProducerIdentity }
  /** Something is added as a part of a transaction that has to be open. */
  | { readonly kind: 'join'; readonly producer: ProducerIdentity }
  /** EndTxn. With `nextEpoch` the producer goes on with a new epoch (KIP-890). */
  | {
      readonly kind: 'end'
      readonly producer: ProducerIdentity
      readonly commit: boolean
      readonly nextEpoch: boolean
      readonly freshProducerId: number
    }
  /** It is to be aborted if it has been open for longer than its timeout, or an abort of it was not finished. */
  | { readonly kind: 'expire' }

type TransactionRefusal =
  | 'INVALID_PRODUCER_ID_MAPPING'
  | 'PRODUCER_FENCED'
  | 'INVALID_TXN_STATE'
  | 'CONCURRENT_TRANSACTIONS'

/** What follows from an event. */
export type TransactionEffect =
  | { readonly kind: 'refuse'; readonly code: TransactionRefusal }
  /** The event is dealt with. */
  | { readonly kind: 'done'; readonly producer: ProducerIdentity }
  /** Markers have to be written; then `finishTransaction` decides. An `init` starts again after that. */
  | { readonly kind: 'write_markers'; readonly end: TransactionEnd }

/** Epochs are 16 bits; the last one is left for fencing, so that it never belongs to a producer (as in Kafka). */
const LAST_EPOCH = 2 ** 15 - 2

type Step = readonly [Transaction | undefined, TransactionEffect]

/**
 * What an event makes of a transactional id (undefined: it is not known), by Kafka's rules (KIP-98, KIP-360, KIP-890). The
 * new state has to be stored before the effect is carried out. `now` is in milliseconds since 1970.
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
 * The transaction after its markers were written, or undefined when the end came too late: another end was committed
 * before, or the producer was fenced.
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
  // A producer that may have written something whose answer it never got aborts what is not open, and moves on.
  if (nextEpoch && !commit) {
    const next = following(producer, freshProducerId)
    return done({ ...transaction, ...next, phase: 'CompleteAbort', previous: producer })
  }
  const isRepeated = !nextEpoch && phase === (commit ? 'CompleteCommit' : 'CompleteAbort')
  return isRepeated ? done(transaction) : refuse(transaction, 'INVALID_TXN_STATE')
}

/** EndTxn is repeated with the epoch that it has ended. */
function answerAgain(transaction: Transaction, commit: boolean): Step {
  if (transaction.phase === (commit ? 'CompleteCommit' : 'CompleteAbort')) return done(transaction)
  const isOver = transaction.phase === 'CompleteCommit' || transaction.phase === 'CompleteAbort'
  return refuse(transaction, isOver ? 'INVALID_TXN_STATE' : 'PRODUCER_FENCED')
}

function expire(transaction: Transaction, now: number): Step {
  const { phase, startedAt, timeoutMs } = transaction
  if (phase === 'PrepareAbort') return writeAbort(transaction)
  // It may have ended since it was found, and another one begun.
  const isOverdue = phase === 'Ongoing' && startedAt !== null && startedAt + timeoutMs <= now
  // Its producer may come back with what it had and go on, unless another one has taken over (KIP-588).
  return isOverdue ? writeAbort(fence(transaction, identityOf(transaction))) : done(transaction)
}

/** From here on nothing of the producer's is accepted; what it had under way is aborted. */
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
