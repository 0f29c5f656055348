import { Producer, type ProducerOptions } from '@platformatic/kafka'
import { explained } from './fetcher.ts'
import type { Claim } from './source-record.ts'

/**
 * A group member as it is now; the cluster refuses its offsets once the group has moved to another generation
 * (KIP-447).
 */
export interface GroupMember {
  readonly groupId: string
  readonly generationId: number
  readonly memberId: string
  readonly coordinatorId: number | null
}

type Options = ProducerOptions<Buffer, Buffer, Buffer, Buffer>
type BytesProducer = Producer<Buffer, Buffer, Buffer, Buffer>
type Transaction = Awaited<ReturnType<BytesProducer['beginTransaction']>>
type SendOptions = Parameters<Transaction['send']>[0]

/** The key under which the input and the output of a stream find each other. */
const sharedName = 'kafka_franz exactly once'

/** The library expects the id of an earlier producer to continue from; there is none. */
const anyProducer = { producerId: -1n, producerEpoch: -1 }

/**
 * Manages the transactions of a stream that reads from and writes to one cluster. The input hands out a round of
 * records, waits until all of them are acknowledged, and then commits their offsets together with everything the output
 * wrote meanwhile. If any of that fails, the round is void: its transaction is aborted, its remaining writes are
 * skipped, and the input reads again from the committed offsets.
 */
export class ExactlyOnce {
  #options: Options | undefined
  #producer: BytesProducer | undefined
  #transaction: Transaction | undefined
  #failure: Error | undefined
  #isOpen = false
  /** The library allows one transactional request at a time. */
  #last: Promise<unknown> = Promise.resolve()

  /** The transactions of the stream that `shared` belongs to. */
  static of(shared: Map<string, unknown>): ExactlyOnce {
    const known = shared.get(sharedName)
    if (known instanceof ExactlyOnce) return known
    const created = new ExactlyOnce()
    shared.set(sharedName, created)
    return created
  }

  /** Sets the options of the output's producer, which must include a transactional id. */
  writeWith(options: Options): void {
    if (this.#options !== undefined) {
      throw new Error('only one output of a stream can be exactly_once, as its transaction has one producer')
    }
    this.#options = options
  }

  /** Aborts what an earlier round or run left open. Afterwards the committed offsets are the ones to resume from. */
  prepare(): Promise<void> {
    return this.#inTurn(async () => {
      this.#isOpen = false
      this.#failure = undefined
      // The initialization that follows aborts its open transaction and fences its zombies.
      await this.#closeProducer()
      await this.#begin()
    })
  }

  /** Begins a round: later writes belong to it. */
  open(): void {
    this.#isOpen = true
  }

  /** Why the current round is void, if it is. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** Makes the current round void. */
  fail(error: Error): void {
    this.#failure ??= error
  }

  /**
   * Writes as part of the round. Nothing is written in a void round, because all of it will be read again. Rejects when
   * the cluster refuses the records permanently, as determined by `isRefusal`; any other error makes the round void.
   */
  send(options: SendOptions, isRefusal: (error: unknown) => boolean): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#failure !== undefined) return
      if (!this.#isOpen) {
        throw new Error(
          'an exactly_once output writes only what an exactly_once input has read, and not behind a buffer',
        )
      }
      try {
        await (await this.#begin()).send(options)
      } catch (error) {
        if (isRefusal(error)) throw error
        this.fail(explained(error))
      }
    })
  }

  /** Commits the round with the offsets of what was read in it. Rejects when the round is void. */
  commit(member: GroupMember, offsets: ReadonlyMap<Claim, bigint>): Promise<void> {
    return this.#inTurn(async () => {
      this.#isOpen = false
      if (this.#failure !== undefined) throw this.#failure
      try {
        const transaction = await this.#begin()
        // The library asks for a consumer, but reads only these members.
        await transaction.addConsumer(member as never)
        for (const [{ topic, partition }, offset] of offsets) {
          // The library adds one to the offset it is given, taking it for that of a message.
          await transaction.addOffset({
            topic,
            partition,
            offset: offset - 1n,
            metadata: { consumer: member },
          } as never)
        }
        await transaction.commit()
        this.#transaction = undefined
      } catch (error) {
        this.fail(explained(error))
        throw this.#failure!
      }
    })
  }

  /** Aborts any open transaction. */
  close(): Promise<void> {
    return this.#inTurn(async () => {
      this.fail(new Error('the stream is closed'))
      // If it cannot be aborted now, the cluster aborts it after its timeout.
      await this.#transaction?.abort().catch(() => undefined)
      await this.#closeProducer()
    })
  }

  async #begin(): Promise<Transaction> {
    if (this.#options === undefined) {
      throw new Error('an exactly_once input needs an output kafka_franz with exactly_once in the same stream')
    }
    this.#producer ??= new Producer(this.#options)
    this.#transaction ??= await this.#producer.beginTransaction(anyProducer)
    return this.#transaction
  }

  async #closeProducer(): Promise<void> {
    this.#transaction = undefined
    const producer = this.#producer
    this.#producer = undefined
    await producer?.close(true).catch(() => undefined)
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => undefined)
    return turn
  }
}
