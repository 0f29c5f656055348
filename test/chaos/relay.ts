import type { Consumer, EachBatchPayload, Kafka, Producer } from 'kafkajs'
import { ClientLoop } from './client-loop.ts'
import type { ReadRecord } from './history.ts'
import { acknowledge, offsetIn, type Recorder } from './recorder.ts'
import { transactionalProducer } from './transactions.ts'

/** How often a record is passed on before it leaves the circle. */
const maxHops = 4
const maxRecordsTogether = 10

export interface RelayOptions {
  readonly from: string
  readonly to: string
  /** Where records go after their last hop. */
  readonly sink: string
  /** The transactional id, and the group. */
  readonly name: string
  readonly client: () => Kafka
  readonly recorder: Recorder
}

/** Passes committed records on to another topic, exactly once: each transaction has the records and the offset. */
export class Relay extends ClientLoop {
  readonly #options: RelayOptions
  #transactions = 0

  constructor(options: RelayOptions) {
    super(options.name)
    this.#options = options
    this.start()
  }

  protected async session(): Promise<void> {
    const { client, name, from } = this.#options
    const producer = transactionalProducer(client(), name)
    const consumer = client().consumer({ groupId: name, sessionTimeout: 10_000, readUncommitted: false })
    try {
      // First the producer: once it is connected, the last transaction of its predecessor has ended, and with it
      // the group's offset is certain.
      await producer.connect()
      await consumer.connect()
      await consumer.subscribe({ topic: from, fromBeginning: true })
      await this.#consume(consumer, producer)
    } finally {
      await consumer.disconnect().catch(() => undefined)
      await producer.disconnect().catch(() => undefined)
    }
  }

  async #consume(consumer: Consumer, producer: Producer): Promise<void> {
    const { promise: ended, resolve, reject } = Promise.withResolvers<void>()
    const onStop = () => resolve()
    this.stopping.addEventListener('abort', onStop)
    let hasFailed = false
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
    await consumer.run({
      autoCommit: false,
      eachBatch: async payload => {
        // After a failure this consumer is at a position that may be wrong.
        if (hasFailed || this.isStopping) return
        try {
          await this.#pass(payload, producer)
        } catch (error) {
          hasFailed = true
          reject(error)
        }
      },
    })
    try {
      await ended
    } finally {
      this.stopping.removeEventListener('abort', onStop)
    }
  }

  async #pass({ batch, isStale, isRunning }: EachBatchPayload, producer: Producer): Promise<void> {
    const partition = `${batch.topic}/${batch.partition}`
    const records = batch.messages.map(({ offset, value }) => ({
      partition,
      offset: Number(offset),
      value: String(value),
    }))
    for (let start = 0; start < records.length; start += maxRecordsTogether) {
      if (this.isStopping || isStale() || !isRunning()) throw new Error('the batch is not passed on to its end')
      await this.#transact(records.slice(start, start + maxRecordsTogether), batch.partition, producer)
    }
  }

  async #transact(read: readonly ReadRecord[], partition: number, producer: Producer): Promise<void> {
    const { from, to, sink, name, recorder } = this.#options
    const number = this.#transactions++
    const passed = read.map(({ value }) => {
      const [origin, hop = '0'] = value.split('+')
      const isLast = Number(hop) >= maxHops
      // With the number of the transaction: an attempt that is repeated sends other values.
      return { topic: isLast ? sink : to, value: `${origin}+${Number(hop) + 1}+${name}.${number}` }
    })
    const sent = passed.map(({ topic, value }) => ({ partition: `${topic}/0`, value, offset: undefined }))
    const next = read.at(-1)!.offset + 1
    const offsets = [{ group: name, partition: `${from}/${partition}`, offset: next }]
    const write = recorder.begin(name, sent, { outcome: 'aborted', read, offsets })
    const transaction = await producer.transaction()
    for (const [index, { topic, value }] of passed.entries())
      write.sent[index]!.offset = offsetIn(await transaction.send({ topic, messages: [{ partition: 0, value }] }))
    const topics = [{ topic: from, partitions: [{ partition, offset: `${next}` }] }]
    await transaction.sendOffsets({ consumerGroupId: name, topics })
    write.outcome = 'unknown'
    await transaction.commit()
    acknowledge(write)
    this.acknowledged()
  }
}
