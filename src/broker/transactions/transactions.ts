import { type Clock, type Log, waitOrAbort } from '../../base/index.ts'
import type { ErrorName } from '../../kafka/index.ts'
import {
  type CommittedOffset,
  type DescribedTransaction,
  type Fence,
  type Metadata,
  MetadataError,
  type PartitionId,
  type ProducerIdentity,
  type Transaction,
  type TransactionAnswer,
  type TransactionEnd,
  type TransactionEvent,
} from '../../metadata/index.ts'
import type { Leases } from '../leases.ts'
import type { RecordLog } from '../log/index.ts'
import { leaseOfTransaction } from '../shard.ts'

export interface TransactionsOptions {
  readonly metadata: Metadata
  /** Coordinating a transactional id requires the lease `leaseOfTransaction`. */
  readonly leases: Leases
  readonly records: RecordLog
  readonly clock: Clock
  readonly log: Log
  readonly settings: TransactionSettings
}

/** By Kafka's names; times are in milliseconds. */
interface TransactionSettings {
  /** How often overdue transactions are aborted. */
  readonly abortCheckIntervalMs: number
  /** How long an unused transactional id is kept. */
  readonly idExpirationMs: number
  readonly expiryCheckIntervalMs: number
}

/** The owner of a transactional id after a request, or why the request is refused. */
export type TransactionOutcome =
  | { readonly ok: true; readonly producer: ProducerIdentity }
  | { readonly ok: false; readonly code: ErrorName }

/** How often markers are written again because the transaction changed in the meantime. */
const MAX_ATTEMPTS = 20
/** Maximum number of overdue transactions aborted in one round. */
const MAX_OVERDUE = 1000
/** From this epoch on, a producer may need another id for its next epoch. */
const LATE_EPOCH = 2 ** 15 - 2

/**
 * The coordinator of transactional ids. `stepTransaction` decides what happens to them where they are
 * stored, so nothing is kept here; this class writes markers, and aborts transactions that are open for
 * too long. Requests for the same transactional id take turns. A request for an id whose lease another
 * broker holds is answered with NOT_COORDINATOR.
 */
export class Transactions {
  readonly #options: TransactionsOptions
  /** The latest pending request for each transactional id. */
  readonly #turns = new Map<string, Promise<unknown>>()
  readonly #stop = new AbortController()
  readonly #loops: Promise<unknown>

  constructor(options: TransactionsOptions) {
    this.#options = options
    const { abortCheckIntervalMs, expiryCheckIntervalMs } = options.settings
    this.#loops = Promise.all([
      this.#repeat(abortCheckIntervalMs, () => this.abortOverdue()),
      this.#repeat(expiryCheckIntervalMs, () => this.#expireIds()),
    ])
  }

  /**
   * Assigns the transactional id to a producer: another producer's open transaction is aborted, and everything it does
   * from then on is refused. `producer` is the previous identity of a producer that continues, otherwise null.
   */
  async init(id: string, producer: ProducerIdentity | null, timeoutMs: number): Promise<TransactionOutcome> {
    const freshProducerId = await this.#freshProducerId()
    if (freshProducerId === undefined) return refused('COORDINATOR_NOT_AVAILABLE')
    return this.#handle(id, { kind: 'init', producer, timeoutMs, freshProducerId })
  }

  /** Adds partitions to the producer's transaction, which begins if none is open. */
  begin(id: string, producer: ProducerIdentity, partitions: readonly PartitionId[]): Promise<TransactionOutcome> {
    return this.#handle(id, { kind: 'begin', producer }, partitions)
  }

  /** Adds a group to the producer's transaction, which may then commit its offsets. It begins if none is open. */
  addGroup(id: string, producer: ProducerIdentity, group: string): Promise<TransactionOutcome> {
    return this.#handle(id, { kind: 'begin', producer, group })
  }

  /** Commits or aborts. With `nextEpoch` the producer continues with a new epoch (KIP-890). */
  async end(id: string, producer: ProducerIdentity, commit: boolean, nextEpoch: boolean): Promise<TransactionOutcome> {
    const isLate = nextEpoch && producer.epoch >= LATE_EPOCH
    const freshProducerId = isLate ? await this.#freshProducerId() : -1
    if (freshProducerId === undefined) return refused('COORDINATOR_NOT_AVAILABLE')
    return this.#handle(id, { kind: 'end', producer, commit, nextEpoch, freshProducerId })
  }

  /** The partitions in the producer's open transaction, or the error. */
  async partitionsOf(id: string, producer: ProducerIdentity): Promise<ReadonlySet<PartitionId> | ErrorName> {
    try {
      const [known] = await this.#options.metadata.findTransactions([id])
      if (!known || known.transaction.producerId !== producer.producerId) return 'INVALID_PRODUCER_ID_MAPPING'
      if (known.transaction.epoch !== producer.epoch) return 'PRODUCER_FENCED'
      return new Set(known.partitions)
    } catch (error) {
      return this.#failed(id, error)
    }
  }

  /**
   * Holds offsets of a group until the transaction ends; returns an error for each of them, or one for all. With
   * `joins` the group is added and the transaction begins if none is open; otherwise both must have happened before.
   * `fence` is that of the group's coordinator.
   */
  async commitOffsets(
    id: string,
    producer: ProducerIdentity,
    joins: boolean,
    group: string,
    offsets: readonly CommittedOffset[],
    fence: Fence,
  ): Promise<readonly ErrorName[] | ErrorName> {
    const event = { kind: joins ? 'begin' : 'join', producer } as const
    try {
      const { metadata } = this.#options
      const { effect, problems } = await metadata.commitTransactionOffsets(id, event, group, offsets, fence)
      return effect.kind === 'refuse' ? effect.code : problems.map(problem => problem ?? 'NONE')
    } catch (error) {
      return this.#failed(id, error, fence)
    }
  }

  /** Describes transactional ids: null for unknown ones, NOT_COORDINATOR for those of other brokers. */
  async describe(ids: readonly string[]): Promise<(DescribedTransaction | null | ErrorName)[]> {
    const { leases, metadata } = this.#options
    try {
      const fences = await leases.acquire(ids.map(leaseOfTransaction))
      const known = await metadata.findTransactions(ids)
      return ids.map((_, index) => (fences[index] === undefined ? 'NOT_COORDINATOR' : known[index]!))
    } catch (error) {
      return ids.map(id => this.#failed(id, error))
    }
  }

  /** The transactional ids that this broker coordinates. Other brokers list theirs. */
  async list(): Promise<Transaction[]> {
    const { leases, metadata } = this.#options
    const all = await metadata.listTransactions()
    await leases.acquire([...new Set(all.map(({ id }) => leaseOfTransaction(id)))])
    return all.filter(({ id }) => leases.held(leaseOfTransaction(id)) !== undefined)
  }

  /** Ends a producer's open transaction in these partitions, whatever its overall state; returns an error for each. */
  async closePartitions(end: TransactionEnd, partitions: readonly PartitionId[]): Promise<ErrorName[]> {
    const outcomes = await this.#options.records.endTransaction(end, partitions, 0)
    return outcomes.map(outcome => (outcome.ok ? 'NONE' : outcome.code))
  }

  /** Aborts the transactions that have been open for longer than their timeout; returns the ids that were processed. */
  async abortOverdue(): Promise<string[]> {
    const ids = await this.#options.metadata.overdueTransactions(MAX_OVERDUE)
    const own: string[] = []
    for (const id of ids) {
      if (this.#stop.signal.aborted) break
      const outcome = await this.#handle(id, { kind: 'expire' })
      if (!outcome.ok) continue
      this.#options.log.info('transaction timed out and was aborted', { transactionalId: id })
      own.push(id)
    }
    return own
  }

  /** Stops aborting overdue transactions, and waits for requests in progress. */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.#loops
    await Promise.all(this.#turns.values())
  }

  /** Waits for earlier requests for the same id. */
  async #handle(
    id: string,
    event: TransactionEvent,
    partitions: readonly PartitionId[] = [],
  ): Promise<TransactionOutcome> {
    const before = this.#turns.get(id)
    const turn = (async () => {
      await before
      return this.#carryOut(id, event, partitions)
    })()
    this.#turns.set(id, turn)
    try {
      return await turn
    } finally {
      if (this.#turns.get(id) === turn) this.#turns.delete(id)
    }
  }

  /** Never rejects, so that the next turn comes regardless of the outcome. */
  async #carryOut(
    id: string,
    event: TransactionEvent,
    partitions: readonly PartitionId[],
  ): Promise<TransactionOutcome> {
    const { leases, metadata, records } = this.#options
    let fence: Fence | undefined
    try {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        ;[fence] = await leases.acquire([leaseOfTransaction(id)])
        if (fence === undefined) return refused('NOT_COORDINATOR')
        const { effect, partitions: marked }: TransactionAnswer = await metadata.stepTransaction(
          id,
          event,
          partitions,
          fence,
        )
        switch (effect.kind) {
          case 'refuse':
            return refused(effect.code)
          case 'done':
            return { ok: true, producer: effect.producer }
          case 'write_markers': {
            const outcomes = await records.endTransaction(effect.end, marked, fence.epoch)
            if (outcomes.some(outcome => !outcome.ok && outcome.code === 'KAFKA_STORAGE_ERROR')) {
              return refused('COORDINATOR_NOT_AVAILABLE')
            }
            const isEnded = outcomes.every(outcome => outcome.ok || outcome.code === 'UNKNOWN_TOPIC_OR_PARTITION')
            if (isEnded && event.kind !== 'init') return { ok: true, producer: effect.end.next }
            // After an init has cleared the way, it is repeated; otherwise the
            // transaction has changed, and is examined again.
            break
          }
          default:
            return effect satisfies never
        }
      }
      return refused('CONCURRENT_TRANSACTIONS')
    } catch (error) {
      return refused(this.#failed(id, error, fence))
    }
  }

  async #freshProducerId(): Promise<number | undefined> {
    try {
      return await this.#options.records.newProducerId()
    } catch (error) {
      this.#failed('', error)
      return undefined
    }
  }

  /** Maps a failed call to the error code that makes the client retry, here or at another coordinator. */
  #failed(id: string, error: unknown, fence?: Fence): ErrorName {
    const { leases, log } = this.#options
    if (error instanceof MetadataError && error.code === 'fenced' && fence !== undefined) {
      leases.fenced(fence)
      return 'NOT_COORDINATOR'
    }
    log.warn('transaction request failed', { transactionalId: id, error })
    return 'COORDINATOR_NOT_AVAILABLE'
  }

  async #expireIds(): Promise<void> {
    const { metadata, settings, log } = this.#options
    for (const id of await metadata.expireTransactions(settings.idExpirationMs)) {
      log.info('unused transactional id deleted', { transactionalId: id })
    }
  }

  async #repeat(intervalMs: number, work: () => Promise<unknown>): Promise<void> {
    const { clock, log } = this.#options
    const { signal } = this.#stop
    for (;;) {
      await waitOrAbort(clock, intervalMs, signal)
      if (signal.aborted) return
      try {
        await work()
      } catch (error) {
        log.warn('transaction maintenance failed', { error: String(error) })
      }
    }
  }
}

function refused(code: ErrorName): TransactionOutcome {
  return { ok: false, code }
}
