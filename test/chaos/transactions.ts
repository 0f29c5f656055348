import { setTimeout as sleep } from 'node:timers/promises'
import type { Kafka, Producer } from 'kafkajs'
import type { Outcome, TransactionsWritten } from './promises.ts'

/** The share of transactions that their producer aborts. */
const abortedShare = 0.25

export interface TransactionWriterOptions {
  readonly topic: string
  readonly partitions: number
  /** The transactional id, and the group whose offset every transaction commits. */
  readonly name: string
  readonly client: () => Kafka
  readonly random: () => number
}

/** Writes transactions one by one, each to all partitions and with an offset, and aborts some of them. */
export class TransactionWriter {
  readonly #options: TransactionWriterOptions
  readonly #outcomes: Outcome[] = []
  readonly #running: Promise<void>
  #committed = 0
  #isStopping = false

  constructor(options: TransactionWriterOptions) {
    this.#options = options
    this.#running = this.#run()
  }

  get written(): TransactionsWritten {
    const { name, partitions } = this.#options
    return { name, partitions, outcomes: this.#outcomes }
  }

  /** Waits until one more is committed, which shows that the cluster works again, and stops. Rejects after `ms`. */
  async stop(ms: number): Promise<void> {
    const before = this.#committed
    const deadline = performance.now() + ms
    while (this.#committed === before) {
      if (performance.now() > deadline)
        throw new Error(`${this.#options.name}: nothing was committed for ${ms} ms after the faults`)
      await sleep(50)
    }
    this.#isStopping = true
    await this.#running
  }

  async #run(): Promise<void> {
    const { name, client } = this.#options
    while (!this.#isStopping) {
      const producer = client().producer({
        transactionalId: name,
        idempotent: true,
        maxInFlightRequests: 1,
        transactionTimeout: 30_000,
        retry: { retries: 8 },
      })
      try {
        await producer.connect()
        while (!this.#isStopping) await this.#transact(producer)
      } catch {
        // A new producer with the same id ends what this one has left open.
        await sleep(100)
      }
      await producer.disconnect().catch(() => undefined)
    }
  }

  async #transact(producer: Producer): Promise<void> {
    const { topic, partitions, name, random } = this.#options
    const number = this.#outcomes.length
    const isAborted = random() < abortedShare
    // Until its commit is requested, nothing can commit it.
    this.#outcomes.push('aborted')
    const transaction = await producer.transaction()
    for (let partition = 0; partition < partitions; partition++)
      await transaction.send({ topic, messages: [{ partition, key: name, value: `${number}` }] })
    const offsets = [{ partition: 0, offset: `${number + 1}` }]
    await transaction.sendOffsets({ consumerGroupId: name, topics: [{ topic, partitions: offsets }] })
    if (isAborted) return transaction.abort()
    this.#outcomes[number] = 'unknown'
    await transaction.commit()
    this.#outcomes[number] = 'committed'
    this.#committed++
  }
}
