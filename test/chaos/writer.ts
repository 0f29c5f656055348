import { setTimeout as sleep } from 'node:timers/promises'
import type { Kafka } from 'kafkajs'
import { ClientLoop } from './client-loop.ts'
import type { Sent } from './history.ts'
import { acknowledge, offsetIn, type Recorder } from './recorder.ts'

/** Maximum number of records of one request. */
const maxRecordsTogether = 5

export interface WriterOptions {
  readonly topic: string
  readonly partition: number
  readonly client: () => Kafka
  readonly recorder: Recorder
  /** Idle time after each batch, in milliseconds. */
  readonly pauseMs: number
}

/** Sends records to one partition, batch after batch, as an idempotent producer. */
export class Writer extends ClientLoop {
  readonly #options: WriterOptions
  readonly #process: string
  #nextValue = 0
  #batches = 0

  constructor(options: WriterOptions) {
    super(`${options.topic}/${options.partition}`)
    this.#options = options
    this.#process = `writer-${options.topic}-${options.partition}`
    this.start()
  }

  protected async session(): Promise<void> {
    const { topic, partition, client, recorder, pauseMs } = this.#options
    const producer = client().producer({ idempotent: true, maxInFlightRequests: 1, retry: { retries: 8 } })
    try {
      await producer.connect()
      while (!this.isStopping) {
        const sent = this.#nextBatch()
        const write = recorder.begin(this.#process, sent)
        const messages = sent.map(({ value }) => ({ partition, value }))
        const first = offsetIn(await producer.send({ topic, messages }))
        for (const [index, one] of write.sent.entries()) one.offset = first === undefined ? undefined : first + index
        acknowledge(write)
        this.acknowledged()
        if (pauseMs > 0) await sleep(pauseMs)
      }
    } finally {
      await producer.disconnect().catch(() => undefined)
    }
  }
  /** The records of one request, which are one batch: they are there all or not at all, at consecutive offsets. */
  #nextBatch(): Sent[] {
    const { topic, partition } = this.#options
    const length = 1 + (this.#batches++ % maxRecordsTogether)
    return Array.from({ length }, () => ({
      partition: `${topic}/${partition}`,
      value: `${this.#process}.${this.#nextValue++}`,
    }))
  }
}
