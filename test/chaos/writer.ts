import { setTimeout as sleep } from 'node:timers/promises'
import type { Kafka, Producer } from 'kafkajs'
import type { Written } from './promises.ts'

/** Sends numbers to one partition, one by one, as an idempotent producer. */
export class Writer {
  readonly #topic: string
  readonly #partition: number
  readonly #client: () => Kafka
  readonly #acknowledged: number[] = []
  readonly #unknown: number[] = []
  readonly #running: Promise<void>
  #isStopping = false
  #next = 0

  constructor(topic: string, partition: number, client: () => Kafka) {
    this.#topic = topic
    this.#partition = partition
    this.#client = client
    this.#running = this.#run()
  }

  get written(): Written {
    return { partition: this.#partition, acknowledged: this.#acknowledged, unknown: this.#unknown }
  }

  /** Waits until one more is acknowledged, which shows that the cluster works again, and stops. Rejects after `ms`. */
  async stop(ms: number): Promise<void> {
    const before = this.#acknowledged.length
    const deadline = performance.now() + ms
    while (this.#acknowledged.length === before) {
      if (performance.now() > deadline) throw new Error(`nothing was acknowledged for ${ms} ms after the faults`)
      await sleep(50)
    }
    this.#isStopping = true
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#isStopping) {
      const producer = this.#client().producer({ idempotent: true, maxInFlightRequests: 1, retry: { retries: 8 } })
      try {
        await producer.connect()
        await this.#send(producer)
      } catch {
        // A number that could not be sent has an unknown outcome. It is not sent again: that would be another record.
        await sleep(100)
      }
      await producer.disconnect().catch(() => undefined)
    }
  }

  async #send(producer: Producer): Promise<void> {
    while (!this.#isStopping) {
      const value = this.#next++
      this.#unknown.push(value)
      await producer.send({ topic: this.#topic, messages: [{ partition: this.#partition, value: `${value}` }] })
      this.#unknown.pop()
      this.#acknowledged.push(value)
    }
  }
}
