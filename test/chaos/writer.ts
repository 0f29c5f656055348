import { setTimeout as sleep } from 'node:timers/promises'
import type { Kafka } from 'kafkajs'
import { ClientLoop } from './client-loop.ts'
import { acknowledge, offsetIn, type Recorder } from './recorder.ts'

export interface WriterOptions {
  readonly topic: string
  readonly partition: number
  readonly client: () => Kafka
  readonly recorder: Recorder
  /** Idle time after each record. */
  readonly pauseMs: number
}

/** Sends records to one partition, one by one, as an idempotent producer. */
export class Writer extends ClientLoop {
  readonly #options: WriterOptions
  readonly #process: string
  #next = 0

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
        const value = `${this.#process}.${this.#next++}`
        const sent = { partition: `${topic}/${partition}`, value, offset: undefined }
        const write = recorder.begin(this.#process, [sent])
        write.sent[0]!.offset = offsetIn(await producer.send({ topic, messages: [{ partition, value }] }))
        acknowledge(write)
        this.acknowledged()
        if (pauseMs > 0) await sleep(pauseMs)
      }
    } finally {
      await producer.disconnect().catch(() => undefined)
    }
  }
}
