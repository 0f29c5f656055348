import { Producer, type ProducerOptions } from '@platformatic/kafka'
import { explained } from './fetcher.ts'
import type { Claim } from './source-record.ts'

/** A member of a group as it is now; an offset is refused once the group has another generation (KIP-447). */
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

/** The name under which a stream's input and output find each other. */
const sharedName = 'kafka_franz exactly once'

/** The library counts on from an id that a producer had; there is none. */
const anyProducer = { producerId: -1n, producerEpoch: -1 }

/**
 * The transactions of a stream that reads and writes one cluster. The input hands out a round of records, waits until all
 * of them are acknowledged, and then commits their offsets together with everything that the output wrote meanwhile. When
 * anything of that fails, the round is void: its transaction is aborted, the rest of its writes are not made, and the input
 * reads again from the committed offsets.
 */
export class ExactlyOnce {
  #options: Options | undefined
  #producer: BytesProducer | undefined
  #transaction: Transaction | undefined
  #failure: Error | undefined
  #isOpen = false
  /** The library takes one request of a transaction at a time. */
  #last: Promise<unknown> = Promise.resolve()

  /** The transactions of the stream to which `shared` belongs. */
  static of(shared: Map<string, unknown>): ExactlyOnce {
    const known = shared.get(sharedName)
    if (known instanceof ExactlyOnce) return known
    const created = new ExactlyOnce()
    shared.set(sharedName, created)
    return created
  }

  /** The output writes with this producer, which has to have a transactional id. */
  writeWith(options: Options): void {
    if (this.#options !== undefined) {
      throw new Error('only one output of a stream can be exactly_once, as its transaction has one producer')
    }
    this.#options = options
  }

  /** Aborts what is left of an earlier round or run. After this, committed offsets are what to go on from. */
  prepare(): Promise<void> {
    return this.#inTurn(async () => {
      this.#isOpen = false
      this.#failure = undefined
      // What it has open is aborted, and its zombies are fenced, by the initialization that comes next.
      await this.#closeProducer()
      await this.#begin()
    })
  }

  /** A round begins: what is written from now on belongs to it. */
  open(): void {
    this.#isOpen = true
  }

  /** Why the present round is void, if it is. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** The present round is void. */
  fail(error: Error): void {
    this.#failure ??= error
  }

  /**
   * Writes as a part of the round. Nothing is written in a round that is void, for all of it is read again. What the cluster
   * refuses for good rejects, as `isRefusal` tells; everything else makes the round void.
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

  /** Commits the round with the offsets of what was read in it. Rejects when it is void. */
  commit(member: GroupMember, offsets: ReadonlyMap<Claim, bigint>): Promise<void> {
    return this.#inTurn(async () => {
      this.#isOpen = false
      if (this.#failure !== undefined) throw this.#failure
      try {
        const transaction = await this.#begin()
        // The library asks for a consumer, of which it reads this.
        await transaction.addConsumer(member as never)
        for (const [{ topic, partition }, offset] of offsets) {
          // The library adds one to what it takes for the offset of a message.
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

  /** Aborts what is open. */
  close(): Promise<void> {
    return this.#inTurn(async () => {
      this.fail(new Error('the stream is closed'))
      // One that cannot be aborted now is aborted by the cluster after its timeout.
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
