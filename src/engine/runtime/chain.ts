import { asError } from '../../base/index.ts'
import type { Log } from '../../base/index.ts'
import type { Batch } from '../batch.ts'
import { type Chain, ContractError, type MaybePromise, type Processor } from '../component.ts'
import type { Delivery } from '../delivery.ts'
import type { Message } from '../message.ts'
import type { Counter, Metrics, Timer } from '../metrics.ts'
import { andThen } from '../per-message.ts'
import { type OnRejected, type Segment, type SegmentRunner, segmentsOf } from './segments.ts'
import { processDelivery } from './tracker.ts'

/** Runs processors in sequence, each over all batches the previous one produced. Waits only if a processor does. */
export class ProcessorChain implements Chain, SegmentRunner {
  readonly processors: readonly Processor[]
  readonly processRun: Processor['processRun']
  readonly waits: boolean
  readonly effects: boolean
  readonly #isInterleaved: boolean

  constructor(processors: readonly Processor[]) {
    this.processors = processors
    this.waits = processors.some(processor => processor.waits === true)
    const effects = processors.filter(processor => processor.effects === true).length
    this.effects = effects > 0
    this.#isInterleaved = effects > 1
    const takesRuns = !this.#isInterleaved && processors.every(processor => processor.processRun !== undefined)
    this.processRun = takesRuns ? run => this.#processRun(run, 0) : undefined
  }

  get length(): number {
    return this.processors.length
  }

  process(batch: Batch): MaybePromise<readonly Batch[]> {
    return this.#processFrom(0, [batch])
  }

  processEach(messages: readonly Message[]): MaybePromise<readonly (readonly Batch[])[]> {
    if (this.processRun !== undefined) {
      return andThen(this.processRun(messages), results => results.map(result => (result === null ? [] : [[result]])))
    }
    return this.#processEachFrom(messages, 0, [])
  }

  deliver(delivery: Delivery): MaybePromise<readonly Delivery[]> {
    if (this.length === 0) return [delivery]
    return processDelivery(this, delivery)
  }

  /** The results of a segment. A run goes through message by message if a processor requires it or the run is short. */
  run(segment: Segment, onRejected: OnRejected): MaybePromise<readonly Segment[]> {
    if (!segment.isRun) return andThen(this.process(segment.messages), batchSegments)
    if (this.#isInterleaved || (segment.messages.length < SHORT_RUN && !this.waits)) {
      return andThen(
        runEach(segment.messages, message => this.process([message]), onRejected),
        segmentsOf,
      )
    }
    return this.#runFrom(0, [segment], onRejected)
  }

  async close(): Promise<void> {
    for (const processor of this.processors) await processor.close?.()
  }

  #processFrom(first: number, batches: readonly Batch[]): MaybePromise<readonly Batch[]> {
    let current = batches
    for (let i = first; i < this.processors.length; i++) {
      if (current.length === 0) return current
      const results = processAll(this.processors[i]!, current)
      if (results instanceof Promise) return results.then(next => this.#processFrom(i + 1, next))
      current = results
    }
    return current
  }

  #processEachFrom(
    messages: readonly Message[],
    first: number,
    results: (readonly Batch[])[],
  ): MaybePromise<readonly (readonly Batch[])[]> {
    for (let i = first; i < messages.length; i++) {
      const result = this.process([messages[i]!])
      if (result instanceof Promise) {
        return result.then(batches => {
          results.push(batches)
          return this.#processEachFrom(messages, i + 1, results)
        })
      }
      results.push(result)
    }
    return results
  }

  /** Runs the processors from `first` on over a run; returns the result of each message at its index. */
  #processRun(run: readonly Message[], first: number): MaybePromise<readonly (Message | null)[]> {
    let current: readonly (Message | null)[] = run
    for (let i = first; i < this.processors.length; i++) {
      const processor = this.processors[i]!
      const left = current.includes(null)
        ? current.filter(message => message !== null)
        : (current as readonly Message[]) // none of them is null
      if (left.length === 0) return current
      const before = current
      const results = andThen(processRun(processor, left), after => spread(before, after))
      if (results instanceof Promise) return results.then(next => this.#continueRun(next, i + 1))
      current = results
    }
    return current
  }

  #continueRun(current: readonly (Message | null)[], first: number): MaybePromise<readonly (Message | null)[]> {
    if (first === this.processors.length) return current
    const left = current.filter(message => message !== null)
    return andThen(this.#processRun(left, first), after => spread(current, after))
  }

  #runFrom(first: number, segments: readonly Segment[], onRejected: OnRejected): MaybePromise<readonly Segment[]> {
    let current = segments
    for (let i = first; i < this.processors.length; i++) {
      if (current.length === 0) return current
      const processor = this.processors[i]!
      const results =
        current.length === 1
          ? this.#runOne(processor, current[0]!, onRejected)
          : this.#runAll(processor, current, onRejected)
      if (results instanceof Promise) return results.then(next => this.#runFrom(i + 1, next, onRejected))
      current = results
    }
    return current
  }

  #runOne(processor: Processor, segment: Segment, onRejected: OnRejected): MaybePromise<readonly Segment[]> {
    const { messages, isRun } = segment
    if (!isRun) return andThen(processor.process(messages), batchSegments)
    if (processor.processRun !== undefined) return andThen(processRun(processor, messages), runSegments)
    const results =
      processor instanceof ObservedProcessor
        ? processor.processEach(messages, onRejected)
        : runEach(messages, message => processor.process([message]), onRejected)
    return andThen(results, segmentsOf)
  }

  /** Runs a processor over several segments and joins the results into as few segments as possible. */
  #runAll(
    processor: Processor,
    segments: readonly Segment[],
    onRejected: OnRejected,
  ): MaybePromise<readonly Segment[]> {
    const results: Segment[] = []
    for (let i = 0; i < segments.length; i++) {
      const result = this.#runOne(processor, segments[i]!, onRejected)
      if (result instanceof Promise) return this.#runRest(processor, segments, onRejected, i, results, result)
      for (const each of result) results.push(each)
    }
    return joined(results)
  }

  async #runRest(
    processor: Processor,
    segments: readonly Segment[],
    onRejected: OnRejected,
    index: number,
    results: Segment[],
    pending: Promise<readonly Segment[]>,
  ): Promise<readonly Segment[]> {
    results.push(...(await pending))
    for (let i = index + 1; i < segments.length; i++)
      results.push(...(await this.#runOne(processor, segments[i]!, onRejected)))
    return joined(results)
  }
}

/** Shorter runs gain little from being processed together, and their log reads better message by message. */
const SHORT_RUN = 16

/** The batches that each message produces by itself. A message whose processing throws is rejected alone. */
function runEach(
  messages: readonly Message[],
  process: (message: Message) => MaybePromise<readonly Batch[]>,
  onRejected: OnRejected,
): MaybePromise<readonly Batch[]> {
  const results: Batch[] = []
  for (let i = 0; i < messages.length; i++) {
    const message = messages[i]!
    try {
      const result = process(message)
      if (result instanceof Promise) return runEachFrom(messages, process, onRejected, i, results, result)
      for (let at = 0; at < result.length; at++) results.push(result[at]!)
    } catch (error) {
      onRejected(message, asError(error))
    }
  }
  return results
}

async function runEachFrom(
  messages: readonly Message[],
  process: (message: Message) => MaybePromise<readonly Batch[]>,
  onRejected: OnRejected,
  index: number,
  results: Batch[],
  pending: Promise<readonly Batch[]>,
): Promise<readonly Batch[]> {
  for (let i = index; i < messages.length; i++) {
    try {
      for (const batch of await (i === index ? pending : process(messages[i]!))) results.push(batch)
    } catch (error) {
      onRejected(messages[i]!, asError(error))
    }
  }
  return results
}

function processAll(processor: Processor, batches: readonly Batch[]): MaybePromise<readonly Batch[]> {
  if (batches.length === 1) return processor.process(batches[0]!)
  const results: Batch[] = []
  for (let i = 0; i < batches.length; i++) {
    const result = processor.process(batches[i]!)
    if (result instanceof Promise) return processRest(processor, batches, i, results, result)
    for (const batch of result) results.push(batch)
  }
  return results
}

async function processRest(
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

/** Throws {@link ContractError} unless every message has exactly one result. */
function processRun(processor: Processor, run: readonly Message[]): MaybePromise<readonly (Message | null)[]> {
  return andThen(processor.processRun!(run), results => {
    if (results.length === run.length) return results
    throw new ContractError(`a processor returned ${results.length} results for a run of ${run.length} messages`)
  })
}

/** Puts the results of the remaining messages back at their original indexes. */
function spread(before: readonly (Message | null)[], after: readonly (Message | null)[]): readonly (Message | null)[] {
  if (after.length === before.length) return after
  let next = 0
  return before.map(message => (message === null ? null : after[next++]!))
}

function runSegments(results: readonly (Message | null)[]): readonly Segment[] {
  const messages = results.includes(null)
    ? results.filter(message => message !== null)
    : (results as readonly Message[]) // none of them is null
  return messages.length === 0 ? [] : [{ messages, isRun: true }]
}

function batchSegments(batches: readonly Batch[]): readonly Segment[] {
  return batches.length === 1 ? [{ messages: batches[0]!, isRun: false }] : segmentsOf(batches)
}

/** Joins adjacent runs. */
function joined(segments: readonly Segment[]): readonly Segment[] {
  const results: Segment[] = []
  let run: Message[] | null = null
  for (const segment of segments) {
    if (!segment.isRun && segment.messages.length !== 1) {
      run = null
      results.push(segment)
      continue
    }
    if (run === null) {
      run = []
      results.push({ messages: run, isRun: true })
    }
    for (const message of segment.messages) run.push(message)
  }
  return results
}

/** How a stream treats messages that a processor flagged. */
export type ErrorStrategy = 'none' | 'reject' | 'retry'

/** A processor with metrics, whose failures are handled by the stream's strategy. */
export class ObservedProcessor implements Processor {
  readonly #inner: Processor
  readonly #strategy: ErrorStrategy
  readonly #clock: () => number
  readonly #received: Counter
  readonly #batchReceived: Counter
  readonly #sent: Counter
  readonly #batchSent: Counter
  readonly #latency: Timer
  readonly processRun: Processor['processRun']
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
    // A strategy rejects the batch of a flagged message, so batches have to stay separate.
    this.processRun =
      inner.processRun === undefined || strategy !== 'none'
        ? undefined
        : run => this.#processRun(inner.processRun!, run)
    this.waits = inner.waits === true
    this.effects = inner.effects === true
  }

  process(batch: Batch): MaybePromise<readonly Batch[]> {
    this.#received.add(batch.length)
    this.#batchReceived.add(1)
    const startedAt = this.#clock()
    const results = this.#inner.process(batch)
    if (results instanceof Promise) return results.then(batches => this.#done(batches, startedAt, 1))
    return this.#done(results, startedAt, 1)
  }

  /** The batches that each message produces by itself, measured as one operation. */
  processEach(messages: readonly Message[], onRejected: OnRejected): MaybePromise<readonly Batch[]> {
    if (this.#strategy !== 'none') return runEach(messages, message => this.process([message]), onRejected)
    this.#received.add(messages.length)
    this.#batchReceived.add(messages.length)
    const startedAt = this.#clock()
    const results = runEach(messages, message => this.#inner.process([message]), onRejected)
    return andThen(results, batches => this.#done(batches, startedAt, messages.length))
  }

  async close(): Promise<void> {
    await this.#inner.close?.()
  }

  #processRun(
    inner: NonNullable<Processor['processRun']>,
    run: readonly Message[],
  ): MaybePromise<readonly (Message | null)[]> {
    this.#received.add(run.length)
    this.#batchReceived.add(run.length)
    const startedAt = this.#clock()
    return andThen(inner.call(this.#inner, run), results => {
      this.#observe(startedAt, run.length)
      let sent = 0
      for (let i = 0; i < results.length; i++) if (results[i] !== null) sent++
      this.#sent.add(sent)
      this.#batchSent.add(sent)
      return results
    })
  }

  #done(batches: readonly Batch[], startedAt: number, received: number): readonly Batch[] {
    this.#observe(startedAt, received)
    for (const batch of batches) this.#sent.add(batch.length)
    this.#batchSent.add(batches.length)
    if (this.#strategy !== 'none') rejectFailed(batches)
    return batches
  }

  /** Records a duration for each of the batches that were processed together: an equal share of the time. */
  #observe(startedAt: number, batches: number): void {
    this.#latency.observe(((this.#clock() - startedAt) * 1e6) / batches, batches)
  }
}

function rejectFailed(batches: readonly Batch[]): void {
  for (const batch of batches) {
    for (const message of batch) if (message.error !== null) throw new Error(message.error.message)
  }
}

/** Logs a failed processor; at error level if the stream asks for all errors. */
export function logFailure(log: Log, text: string, asError: boolean): void {
  if (asError) log.error(`Processor failed: ${text}`)
  else log.debug(`Processor failed: ${text}`)
}
