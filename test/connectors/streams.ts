// Streams whose other end is the test itself: it sends batches through an output and learns what became of each, and
// receives what an input delivers and decides about it.
import process from 'node:process'
import { systemClock } from '../../src/base/index.ts'
import { createRegistry } from '../../src/components/index.ts'
import {
  type AnySpec,
  type Batch,
  ClosedError,
  defineInput,
  defineOutput,
  deliverBatch,
  type Delivery,
  field,
  makeLog,
  Message,
  severityOf,
  startStream,
  type Stream,
} from '../../src/engine/index.ts'
import { systemHost } from '../../src/host/index.ts'

/** The body of an `input:` or `output:`, as in a configuration. */
export type ComponentBody = Readonly<Record<string, unknown>>

/** A message for the test to send: its text, or text and metadata. */
export type Sent = string | { readonly text: string; readonly metadata: Readonly<Record<string, string>> }

/** A stream into an output under test. */
export class Sender {
  readonly #stream: Stream
  readonly #queue: Queue<Delivery>
  /** Everything that the stream logged as a warning or an error. */
  readonly log: readonly string[]

  private constructor(stream: Stream, queue: Queue<Delivery>, log: readonly string[]) {
    this.#stream = stream
    this.#queue = queue
    this.log = log
  }

  static async start(output: ComponentBody, more: ComponentBody = {}): Promise<Sender> {
    const queue = new Queue<Delivery>()
    const feed = defineInput({
      name: 'test_feed',
      summary: 'Delivers what a test sends.',
      config: field.anyObject('').default({}),
      create: () => ({ read: signal => queue.take(signal) }),
    })
    // The registry takes specs of every configuration, and calls each with its own.
    const { stream, log } = await run({ input: { test_feed: {} }, output, ...more }, feed as unknown as AnySpec)
    return new Sender(stream, queue, log)
  }

  /** Sends one batch; resolves when it arrived and rejects with the reason when it was refused. */
  send(...batch: readonly Sent[]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const messages = batch.map(each =>
      typeof each === 'string'
        ? Message.fromText(each)
        : Message.fromText(each.text, new Map(Object.entries(each.metadata))),
    )
    this.#queue.put(deliverBatch(messages, error => (error === null ? resolve() : reject(error))))
    return promise
  }

  /** Stops the stream; what is not delivered within two seconds stays undelivered. */
  async close(): Promise<void> {
    await this.#stream.stop(2000)
  }
}

/** A batch that an input under test delivered, and that waits for the decision of the test. */
export interface Received {
  readonly batch: Batch
  readonly texts: readonly string[]
  /** Acknowledges the batch, or refuses it for a reason. */
  answer(error?: Error): void
}

/** A stream out of an input under test. */
export class Receiver {
  readonly #stream: Stream
  readonly #queue: Queue<Received>
  readonly #open: Set<Received>
  /** Everything that the stream logged as a warning or an error. */
  readonly log: readonly string[]

  private constructor(stream: Stream, queue: Queue<Received>, open: Set<Received>, log: readonly string[]) {
    this.#stream = stream
    this.#queue = queue
    this.#open = open
    this.log = log
  }

  static async start(input: ComponentBody, more: ComponentBody = {}): Promise<Receiver> {
    const queue = new Queue<Received>()
    const open = new Set<Received>()
    const collect = defineOutput({
      name: 'test_collect',
      summary: 'Hands messages to a test.',
      config: field.object({ max_in_flight: field.int('').default(10_000) }),
      create: () => ({
        write(batch) {
          const { promise, resolve, reject } = Promise.withResolvers<void>()
          const received: Received = {
            batch,
            texts: batch.map(message => message.text()),
            answer(error) {
              open.delete(received)
              if (error === undefined) resolve()
              else reject(error)
            },
          }
          open.add(received)
          queue.put(received)
          return promise
        },
      }),
    })
    // The registry takes specs of every configuration, and calls each with its own.
    const { stream, log } = await run({ input, output: { test_collect: {} }, ...more }, collect as unknown as AnySpec)
    return new Receiver(stream, queue, open, log)
  }

  /** The next batch, not answered yet. */
  async next(): Promise<Received> {
    const received = await this.#queue.take()
    if (received === null) throw new Error('the stream ended')
    return received
  }

  /** How many batches were delivered, whether the test took them or not. */
  get receivedCount(): number {
    return this.#queue.total
  }

  /** Takes and acknowledges batches until `isEnough` says so of all texts that came. */
  async collect(isEnough: (texts: readonly string[]) => boolean): Promise<readonly string[]> {
    const texts: string[] = []
    while (!isEnough(texts)) {
      const received = await this.next()
      received.answer()
      texts.push(...received.texts)
    }
    return texts
  }

  /** Takes and acknowledges batches until `count` different texts came; returns the texts, those that came twice as well. */
  collectDistinct(count: number): Promise<readonly string[]> {
    return this.collect(texts => new Set(texts).size >= count)
  }

  /** Resolves when the source has ended. */
  get done(): Promise<void> {
    return this.#stream.done
  }

  /** Stops the stream. What waits for an answer is not answered: the source has to deliver it again. */
  async close(): Promise<void> {
    const stopping = this.#stream.stop(200)
    for (const received of this.#open) received.answer(new ClosedError())
    await stopping
  }
}

async function run(
  config: Readonly<Record<string, unknown>>,
  end: AnySpec,
): Promise<{ stream: Stream; log: readonly string[] }> {
  const lines: string[] = []
  const isLoud = process.env['PENSTOCK_TEST_LOG'] !== undefined
  const log = makeLog(severityOf(isLoud ? 'ALL' : 'WARN'), {}, (level, message) => {
    lines.push(message)
    if (isLoud) console.log(`${level} ${message}`)
  })
  const registry = createRegistry().extended([end])
  const stream = await startStream(JSON.stringify(config), {
    registry,
    host: systemHost,
    clock: systemClock,
    log,
  })
  return { stream, log: lines }
}

/** Values that wait for a taker, and a taker that waits for values. */
class Queue<T> {
  readonly #values: T[] = []
  readonly #takers: ((value: T | null) => void)[] = []
  /** How many were put, taken ones included. */
  total = 0

  put(value: T): void {
    this.total++
    const taker = this.#takers.shift()
    if (taker === undefined) this.#values.push(value)
    else taker(value)
  }

  /** The next value, or null when the signal aborts first. */
  async take(signal?: AbortSignal): Promise<T | null> {
    if (signal?.aborted) return null
    const value = this.#values.shift()
    if (value !== undefined) return value
    const { promise, resolve } = Promise.withResolvers<T | null>()
    this.#takers.push(resolve)
    const abort = () => {
      this.#takers.splice(this.#takers.indexOf(resolve), 1)
      resolve(null)
    }
    signal?.addEventListener('abort', abort, { once: true })
    try {
      return await promise
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }
}
