import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'
import { TestClient } from '../../../src/broker/test-client.ts'

const topic = 'witness'
const clientId = 'witness'

/** A client that produces while others send garbage, and reads everything back. */
export class Witness {
  /** The topics that damaged requests refer to, with their ids. */
  readonly topics: ReadonlyMap<string, string>
  readonly #kafka: Kafka

  /** Creates these topics and its own. */
  static async open(port: number, names: readonly string[]): Promise<Witness> {
    const kafka = new Kafka({ clientId, brokers: [`127.0.0.1:${port}`], logLevel: logLevel.NOTHING })
    const admin = kafka.admin()
    await admin.connect()
    const topics = [topic, ...names].map(name => ({ topic: name, numPartitions: 3 }))
    // Its wait for leaders ends after five seconds, which a busy machine may take; the client below asks for them.
    await admin.createTopics({ topics, waitForLeaders: false })
    await admin.disconnect()
    const client = await TestClient.open(port)
    const { topics: found } = await client.call('Metadata', 12, { topics: names.map(name => ({ name })) })
    await withoutQuota(client)
    client.close()
    return new Witness(kafka, new Map(found.map(({ name, topicId }) => [name!, topicId])))
  }

  private constructor(kafka: Kafka, topics: ReadonlyMap<string, string>) {
    this.#kafka = kafka
    this.topics = topics
  }

  /** Produces one record after another until it is done, reads them, and resolves to what is wrong. */
  async runUntil(isDone: () => boolean, onRecord: () => void): Promise<string[]> {
    const producer = this.#kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    const sent: string[] = []
    do {
      const value = `${sent.length}`
      await producer.send({ topic, messages: [{ partition: sent.length % 3, value }] })
      sent.push(value)
      onRecord()
      await sleep(20)
    } while (!isDone())
    await producer.disconnect()
    const read = await this.#readAll(sent.length)
    return sent.join() === read.toSorted((a, b) => Number(a) - Number(b)).join()
      ? []
      : [`the witness sent ${sent.length} records and read ${read.length}: ${read.join()}`]
  }

  async #readAll(count: number): Promise<string[]> {
    const consumer = this.#kafka.consumer({ groupId: 'witnesses' })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    const read: string[] = []
    const { promise: done, resolve } = Promise.withResolvers<void>()
    await consumer.run({
      eachMessage: async ({ message }) => {
        read.push(String(message.value))
        if (read.length >= count) resolve()
      },
    })
    const timeout = new AbortController()
    const late = sleep(60_000, undefined, { signal: timeout.signal }).catch(() => undefined)
    await Promise.race([done, late])
    timeout.abort()
    await consumer.disconnect()
    return read
  }
}

/** A quota of its own, so that those of damaged requests do not apply to it. */
async function withoutQuota(client: TestClient): Promise<void> {
  const entity = [
    { entityType: 'user', entityName: 'ANONYMOUS' },
    { entityType: 'client-id', entityName: clientId },
  ]
  const ops = ['producer_byte_rate', 'consumer_byte_rate', 'request_percentage'].map(key => ({
    key,
    value: 1e12,
    remove: false,
  }))
  await client.call('AlterClientQuotas', 1, { entries: [{ entity, ops }], validateOnly: false })
}
