// Streams whose other end is the test itself: it sends batches through an output and learns their outcomes, and
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
  /** All warnings and errors that the stream has logged. */
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
    // The registry accepts specs of any configuration type, and calls each with its own.
    const { stream, log } = await run({ input: { test_feed: {} }, output, ...more }, feed as unknown as AnySpec)
    return new Sender(stream, queue, log)
  }

  /** Sends one batch; resolves once it has arrived and rejects with the reason if it was rejected. */
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

/** A batch delivered by an input under test, which waits for the test's decision. */
export interface Received {
  readonly batch: Batch
  readonly texts: readonly string[]
  /** Acknowledges the batch, or rejects it with an error. */
  answer(error?: Error): void
}

/** A stream out of an input under test. */
export class Receiver {
  readonly #stream: Stream
  readonly #queue: Queue<Received>
  readonly #open: Set<Received>
  /** All warnings and errors that the stream has logged. */
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
    // The registry accepts specs of any configuration type, and calls each with its own.
    const { stream, log } = await run({ input, output: { test_collect: {} }, ...more }, collect as unknown as AnySpec)
    return new Receiver(stream, queue, open, log)
  }

  /** The next batch, not yet acknowledged. */
  async next(): Promise<Received> {
    const received = await this.#queue.take()
    if (received === null) throw new Error('the stream ended')
    return received
  }

  /** Number of batches delivered, whether or not the test has taken them. */
  get receivedCount(): number {
    return this.#queue.total
  }

  /** Takes and acknowledges batches until `isEnough` returns true for all texts received. */
  async collect(isEnough: (texts: readonly string[]) => boolean): Promise<readonly string[]> {
    const texts: string[] = []
    while (!isEnough(texts)) {
      const received = await this.next()
      received.answer()
      texts.push(...received.texts)
    }
    return texts
  }

  /**
   * Takes and acknowledges batches until `count` distinct texts have arrived; returns all texts, including duplicates.
   */
  collectDistinct(count: number): Promise<readonly string[]> {
    return this.collect(texts => new Set(texts).size >= count)
  }

  /** Resolves once the source has ended. */
  get done(): Promise<void> {
    return this.#stream.done
  }

  /** Stops the stream. Batches waiting for a decision get none: the source has to redeliver them. */
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

/** Values waiting for a taker, or a taker waiting for values. */
class Queue<T> {
  readonly #values: T[] = []
  readonly #takers: ((value: T | null) => void)[] = []
  /** Number of values ever put. */
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
