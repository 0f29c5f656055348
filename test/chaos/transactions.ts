import type { Kafka, Producer } from 'kafkajs'
import { ClientLoop } from './client-loop.ts'
import { acknowledge, offsetIn, type Recorder } from './recorder.ts'

/** The share of transactions that their producer aborts. */
const abortedShare = 0.25

export interface TransactionWriterOptions {
  readonly topic: string
  readonly partitions: number
  /** The transactional id, and the group whose offset every transaction commits. */
  readonly name: string
  readonly client: () => Kafka
  readonly random: () => number
  readonly recorder: Recorder
}

/** Writes transactions one by one, each to all partitions and with an offset, and aborts some of them. */
export class TransactionWriter extends ClientLoop {
  readonly #options: TransactionWriterOptions
  #next = 0

  constructor(options: TransactionWriterOptions) {
    super(options.name)
    this.#options = options
    this.start()
  }

  protected async session(): Promise<void> {
    // It ends what its predecessor with the same id has left open.
    const producer = transactionalProducer(this.#options.client(), this.#options.name)
    try {
      await producer.connect()
      while (!this.isStopping) await this.#transact(producer)
    } finally {
      await producer.disconnect().catch(() => undefined)
    }
  }

  async #transact(producer: Producer): Promise<void> {
    const { topic, partitions, name, random, recorder } = this.#options
    const number = this.#next++
    const isAborted = random() < abortedShare
    const sent = Array.from({ length: partitions }, (_, partition) => ({
      partition: `${topic}/${partition}`,
      value: `${name}.${number}.${partition}`,
      offset: undefined,
    }))
    const offset = { group: name, partition: `${topic}/0`, offset: number + 1 }
    // Until its commit is requested, nothing can commit it.
    const write = recorder.begin(name, sent, { outcome: 'aborted', offsets: [offset] })
    const transaction = await producer.transaction()
    for (const [partition, one] of write.sent.entries())
      one.offset = offsetIn(await transaction.send({ topic, messages: [{ partition, value: one.value }] }))
    const offsets = [{ partition: 0, offset: `${offset.offset}` }]
    await transaction.sendOffsets({ consumerGroupId: name, topics: [{ topic, partitions: offsets }] })
    if (isAborted) return transaction.abort()
    write.outcome = 'unknown'
    await transaction.commit()
    acknowledge(write)
    this.acknowledged()
  }
}

export function transactionalProducer(client: Kafka, transactionalId: string): Producer {
  return client.producer({
    transactionalId,
    idempotent: true,
    maxInFlightRequests: 1,
    transactionTimeout: 30_000,
    retry: { retries: 8 },
  })
}
