import type { Log } from '../../base/index.ts'
import type { Batch } from '../batch.ts'
import type { Chain, MaybePromise, Processor } from '../component.ts'
import { eachBatch } from '../each.ts'
import type { Counter, Metrics, Timer } from '../metrics.ts'

/** Processors one after the other, over all batches that come out of each. Waits only where a processor does. */
export class ProcessorChain implements Chain {
  readonly processors: readonly Processor[]
  readonly waits: boolean
  readonly effects: boolean
  readonly #isInterleaved: boolean

  constructor(processors: readonly Processor[]) {
    this.processors = processors
    this.waits = processors.some(processor => processor.waits === true)
    const effects = processors.filter(processor => processor.effects === true).length
    this.effects = effects > 0
    this.#isInterleaved = effects > 1
  }

  get length(): number {
    return this.processors.length
  }

  run(batch: Batch): MaybePromise<readonly Batch[]> {
    if (!batch.solo || !this.#isInterleaved) return runFrom(this.processors, 0, [batch])
    return eachBatch(batch, messages => runFrom(this.processors, 0, [{ messages, solo: false }]))
  }

  async close(): Promise<void> {
    for (const processor of this.processors) await processor.close?.()
  }
}

function runFrom(
  processors: readonly Processor[],
  first: number,
  batches: readonly Batch[],
): MaybePromise<readonly Batch[]> {
  let current = batches
  for (let i = first; i < processors.length; i++) {
    if (current.length === 0) return current
    const results = runOne(processors[i]!, current)
    if (results instanceof Promise) return results.then(next => runFrom(processors, i + 1, next))
    current = results
  }
  return current
}

function runOne(processor: Processor, batches: readonly Batch[]): MaybePromise<readonly Batch[]> {
  if (batches.length === 1) return processor.process(batches[0]!)
  const results: Batch[] = []
  for (let i = 0; i < batches.length; i++) {
    const result = processor.process(batches[i]!)
    if (result instanceof Promise) return runRest(processor, batches, i, results, result)
    results.push(...result)
  }
  return results
}

async function runRest(
  processor: Processor,
  batches: readonly Batch[],
  index: number,
  results: Batch[],
  pending: Promise<readonly Batch[]>,
): Promise<readonly Batch[]> {
  results.push(...(await pending))
  for (let i = index + 1; i < batches.length; i++) results.push(...(await processor.process(batches[i]!)))
  return results
}

/** What a stream does with messages that a processor flagged. */
export type ErrorStrategy = 'none' | 'reject' | 'retry'

/** A processor whose work is counted, and whose failures are handled by the stream's strategy. */
export class ObservedProcessor implements Processor {
  readonly #inner: Processor
  readonly #strategy: ErrorStrategy
  readonly #clock: () => number
  readonly #received: Counter
  readonly #batchReceived: Counter
  readonly #sent: Counter
  readonly #batchSent: Counter
  readonly #latency: Timer
  readonly waits: boolean
  readonly effects: boolean

  constructor(inner: Processor, metrics: Metrics, clock: () => number, strategy: ErrorStrategy) {
    this.#inner = inner
    this.#strategy = strategy
    this.#clock = clock
    this.#received = metrics.counter('processor_received')
    this.#batchReceived = metrics.counter('processor_batch_received')
    this.#sent = metrics.counter('processor_sent')
    this.#batchSent = metrics.counter('processor_batch_sent')
    this.#latency = metrics.timer('processor_latency_ns')
    this.waits = inner.waits === true
    this.effects = inner.effects === true
  }

  process(batch: Batch): MaybePromise<readonly Batch[]> {
    this.#received.add(batch.messages.length)
    this.#batchReceived.add(batch.solo ? batch.messages.length : 1)
    const startedAt = this.#clock()
    const results = this.#inner.process(batch)
    if (results instanceof Promise) return results.then(batches => this.#done(batches, startedAt))
    return this.#done(results, startedAt)
  }

  async close(): Promise<void> {
    await this.#inner.close?.()
  }

  #done(batches: readonly Batch[], startedAt: number): readonly Batch[] {
    this.#latency.observe((this.#clock() - startedAt) * 1e6)
    for (const batch of batches) {
      this.#sent.add(batch.messages.length)
      this.#batchSent.add(batch.solo ? batch.messages.length : 1)
    }
    if (this.#strategy !== 'none') rejectFailed(batches)
    return batches
  }
}

function rejectFailed(batches: readonly Batch[]): void {
  for (const batch of batches) {
    for (const message of batch.messages) if (message.error !== null) throw new Error(message.error.message)
  }
}

/** Logs the failure of a processor; as an error where the stream asks for all of them. */
export function logFailure(log: Log, text: string, asError: boolean): void {
  if (asError) log.error(`Processor failed: ${text}`)
  else log.debug(`Processor failed: ${text}`)
}
