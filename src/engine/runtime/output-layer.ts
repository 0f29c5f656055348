import { asError, messageOf } from '../../base/index.ts'
import type { Log } from '../../base/index.ts'
import { type Batch, PartialFailure } from '../batch.ts'
import {
  type Batcher,
  ClosedError,
  ContractError,
  type MaybePromise,
  NotConnectedError,
  type Output,
  type OutputHandle,
} from '../component.ts'
import { type AckSome, deliverBatch, deliverEach, type Delivery, isRun } from '../delivery.ts'
import type { Message } from '../message.ts'
import { type Counter, type Metrics, nullMetrics, type Timer } from '../metrics.ts'
import { Backoff, pause } from './backoff.ts'
import type { ProcessorChain } from './chain.ts'
import { processDelivery } from './tracker.ts'

export interface OutputLayerOptions {
  readonly name: string
  readonly log: Log
  readonly metrics: Metrics
  readonly random: () => number
  readonly monotonic: () => number
  readonly maxInFlight: number
  readonly processors: ProcessorChain
  readonly batcher: Batcher | undefined
  /** Whether it does not report its children's failures; a composing output leaves that to them. */
  readonly quiet: boolean
  /** Whether it only forwards to other outputs and has no connection. */
  readonly composes: boolean
  /** Whether an input has ended, so that an incomplete batch may be waiting for messages that will not arrive. */
  readonly isDraining: () => boolean
  /** Called when a composing output has no room: it may be waiting for messages that are held back inside it. */
  readonly onFull: () => void
}

/** How long an incomplete batch without a period waits for more messages once an input has ended. */
const DRAIN_MS = 10

/** Pauses between attempts to connect, in milliseconds. */
const reconnectDelays = { initialMs: 500, maxMs: 1000 }

/** The most messages gathered for one call of `writeRun`. */
const MAX_GATHERED = 1024

/** Messages waiting for one of the concurrent writes. */
interface Job {
  readonly delivery: Delivery
  /** One batch, or messages of a run. */
  readonly messages: readonly Message[]
  readonly isRun: boolean
  /** Called when the job is started. */
  readonly taken: () => void
}

/**
 * The lifecycle of an output: runs its processors and batching policy, connects with backoff, keeps up to `maxInFlight`
 * writes in progress, and repeats writes after a lost connection. An output that takes runs receives queued messages
 * together, any other one batch at a time.
 */
export class OutputLayer implements OutputHandle {
  readonly #output: Output
  readonly #options: OutputLayerOptions
  readonly #maxInFlight: number
  readonly #abort = new AbortController()
  readonly #sent: Counter
  readonly #batchSent: Counter
  readonly #errors: Counter
  readonly #latency: Timer
  readonly #connects: Counter
  readonly #connectFailures: Counter
  readonly #connectionsLost: Counter
  readonly #jobs: Job[] = []
  /** Callers waiting for room without a job. */
  #roomWaiters: (() => void)[] = []
  #inFlight = 0
  /** Number of messages in the writes in progress. */
  #held = 0
  #isStarting = false
  #connecting: Promise<void> | null = null
  /** Whether the connection, or the last one if there is none, has delivered something. */
  #hasDelivered = true
  /** Connections in a row that were lost before they delivered anything. */
  #futileConnections = 0
  readonly #futileBackoff: Backoff
  #flushTimer: ReturnType<typeof setTimeout> | undefined
  #flushing = false
  #closed = false
  connected = false

  constructor(output: Output, options: OutputLayerOptions) {
    this.#output = output
    this.#options = options
    this.#maxInFlight = options.maxInFlight
    this.#futileBackoff = new Backoff(reconnectDelays, options.random)
    // A composing output leaves counting to its children, so that messages and failures count once.
    const metrics = options.composes ? nullMetrics : options.metrics
    this.#sent = metrics.counter('output_sent')
    this.#batchSent = metrics.counter('output_batch_sent')
    this.#errors = metrics.counter('output_error')
    this.#latency = metrics.timer('output_latency_ns')
    this.#connects = metrics.counter('output_connection_up')
    this.#connectFailures = metrics.counter('output_connection_failed')
    this.#connectionsLost = metrics.counter('output_connection_lost')
  }

  get hasRoom(): boolean {
    return this.#isFree && this.#jobs.length === 0
  }

  /**
   * Whether another write may start. A composing output also limits the messages it holds; others wait in the source.
   */
  get #isFree(): boolean {
    return this.#inFlight < this.#maxInFlight && (!this.#options.composes || this.#held < MAX_GATHERED)
  }

  async room(): Promise<void> {
    while (!this.hasRoom) await new Promise<void>(resolve => this.#roomWaiters.push(resolve))
  }

  /** Starts connecting. */
  start(): void {
    this.#connect().catch((error: unknown) => this.#options.log.debug(`Gave up connecting: ${messageOf(error)}`))
  }

  write(batch: Batch): Promise<void> {
    return new Promise((resolve, reject) => {
      const ack = (error: Error | null) => (error === null ? resolve() : reject(error))
      const accepted = this.accept(deliverBatch(batch, ack))
      if (accepted instanceof Promise) accepted.catch(reject)
    })
  }

  forwardRun(run: readonly Message[], settle: AckSome): void {
    const settled: Message[] = []
    const accepted = this.accept(
      deliverEach(run, (messages, error) => {
        for (const message of messages) settled.push(message)
        return settle(messages, error)
      }),
    )
    if (!(accepted instanceof Promise)) return
    accepted.catch((error: unknown) => {
      const open = run.filter(message => !settled.includes(message))
      return open.length === 0 ? undefined : settle(open, asError(error))
    })
  }

  /**
   * Takes over a delivery; resolves when there is room for more. The delivery is eventually settled, whatever happens.
   */
  accept(delivery: Delivery): void | Promise<void> {
    if (this.#options.processors.length === 0) return this.#collect(delivery)
    const results = processDelivery(this.#options.processors, delivery)
    if (results instanceof Promise) return results.then(deliveries => this.#collectAll(deliveries))
    if (results.length === 1) return this.#collect(results[0]!)
    return this.#collectAll(results)
  }

  /** Delivers the messages that a policy still holds back. */
  async flush(): Promise<void> {
    clearTimeout(this.#flushTimer)
    this.#flushTimer = undefined
    const { batcher } = this.#options
    if (batcher === undefined) return
    // Timers may fire up to a millisecond early.
    const isDue = (batcher.untilDue() ?? Infinity) < 1
    for (const delivery of await batcher.flush({ isDue })) await this.#send(delivery)
  }

  /** Delivers an incomplete batch soon, if no period determines when. */
  flushSoon(): void {
    const { batcher } = this.#options
    if (batcher !== undefined && this.#flushTimer === undefined) this.#schedule(batcher)
  }

  /**
   * Delivers an incomplete batch soon although inputs are still open: the output around this one sends nothing more
   * until the messages held back here are delivered. A batch with a period already has its timer.
   */
  flushStarved(): void {
    const { batcher } = this.#options
    if (batcher === undefined || batcher.size === 0 || this.#flushTimer !== undefined || this.#flushing) return
    this.#flushAfter(batcher, DRAIN_MS)
  }

  /**
   * Stops connecting: writes waiting for a connection fail as closed. A connected output still delivers what it holds.
   */
  abandon(): void {
    if (!this.connected) this.#abort.abort(new ClosedError())
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.flush()
    this.#abort.abort(new ClosedError())
    await this.#connecting?.catch(() => undefined)
    await this.#output.close?.()
    await this.#options.processors.close()
    await this.#options.batcher?.close()
    this.connected = false
  }

  async #collectAll(deliveries: readonly Delivery[]): Promise<void> {
    for (const delivery of deliveries) await this.#collect(delivery)
  }

  #collect(delivery: Delivery): void | Promise<void> {
    const { batcher } = this.#options
    if (batcher === undefined) return this.#send(delivery)
    return this.#batch(batcher, delivery)
  }

  async #batch(batcher: Batcher, delivery: Delivery): Promise<void> {
    const complete = await batcher.add(delivery)
    this.#schedule(batcher)
    for (const each of complete) await this.#send(each)
  }

  /** Ensures that held-back messages are delivered in time. */
  #schedule(batcher: Batcher): void {
    if (this.#flushing) return
    clearTimeout(this.#flushTimer)
    this.#flushTimer = undefined
    if (batcher.size === 0) return
    const dueMs = batcher.untilDue() ?? (this.#options.isDraining() ? DRAIN_MS : undefined)
    if (dueMs !== undefined) this.#flushAfter(batcher, dueMs)
  }

  #flushAfter(batcher: Batcher, delayMs: number): void {
    this.#flushTimer = setTimeout(() => {
      this.#flushInTime(batcher).catch((error: unknown) =>
        this.#options.log.error(`Failed to flush batch: ${messageOf(error)}`),
      )
    }, delayMs)
  }

  /** While all writes are busy the batch grows until it is complete; then the source has to wait. */
  async #flushInTime(batcher: Batcher): Promise<void> {
    this.#flushing = true
    try {
      await this.room()
      await this.flush()
    } finally {
      this.#flushing = false
    }
    this.#schedule(batcher)
  }

  /** Resolves when all messages have been started. */
  #send(delivery: Delivery): void | Promise<void> {
    const { messages } = delivery
    const { writeRun, forwardRun } = this.#output
    if (writeRun === undefined && forwardRun === undefined && messages.length > 1 && isRun(delivery)) {
      return this.#sendEach(delivery, messages)
    }
    return this.#enter(delivery, messages, isRun(delivery) || messages.length === 1)
  }

  /** All are queued synchronously, so that the next delivery stays behind them. */
  #sendEach(delivery: Delivery, messages: readonly Message[]): void | Promise<void> {
    let wait: void | Promise<void> = undefined
    for (const message of messages) wait = this.#enter(delivery, [message], true)
    return wait
  }

  #enter(delivery: Delivery, messages: readonly Message[], isRunJob: boolean): void | Promise<void> {
    if (this.hasRoom) {
      this.#start([{ delivery, messages, isRun: isRunJob, taken: nothing }])
      return undefined
    }
    if (this.#options.composes) this.#options.onFull()
    return new Promise(taken => this.#jobs.push({ delivery, messages, isRun: isRunJob, taken }))
  }

  #start(jobs: readonly Job[]): void {
    this.#inFlight++
    for (const { messages } of jobs) this.#held += messages.length
    // These never reject: failures are reported through the messages' outcomes.
    if (this.#output.forwardRun !== undefined && jobs[0]!.isRun) this.#forward(jobs[0]!)
    else if (this.#output.writeRun === undefined || !jobs[0]!.isRun) void this.#writeBatch(jobs[0]!)
    else void this.#writeRun(jobs)
  }

  /** Frees the slot of a write. Called before settling, because the receiver may write again immediately. */
  #leave(count: number): void {
    this.#inFlight--
    this.#held -= count
    if (this.#isStarting) return
    this.#isStarting = true
    while (this.#jobs.length > 0 && this.#isFree) this.#start(this.#gather())
    this.#isStarting = false
    if (this.#roomWaiters.length === 0 || !this.hasRoom) return
    const waiters = this.#roomWaiters
    this.#roomWaiters = []
    for (const wake of waiters) wake()
  }

  /** The next job, and the following ones that can be written with it. */
  #gather(): readonly Job[] {
    const jobs: Job[] = []
    let size = 0
    do {
      const job = this.#jobs.shift()!
      job.taken()
      jobs.push(job)
      size += job.messages.length
    } while (this.#output.writeRun !== undefined && jobs[0]!.isRun && this.#joins(size))
    return jobs
  }

  #joins(size: number): boolean {
    const next = this.#jobs[0]
    return next !== undefined && next.isRun && size + next.messages.length <= MAX_GATHERED
  }

  /** Writes one batch and settles it; undefined if that happened synchronously. Never rejects. */
  #writeBatch({ delivery, messages }: Job): Promise<void> | undefined {
    if (!this.connected) return this.#writeLater(delivery, messages)
    const startedAt = this.#options.monotonic()
    let written: void | Promise<void>
    try {
      written = this.#output.write(messages, this.#abort.signal)
    } catch (error) {
      return this.#writeRest(delivery, messages, startedAt, Promise.reject(asError(error)))
    }
    if (written instanceof Promise) return this.#writeRest(delivery, messages, startedAt, written)
    this.#measure(messages, 1, startedAt)
    this.#leave(messages.length)
    return this.#answer(delivery, messages, null)
  }

  async #writeLater(delivery: Delivery, messages: Batch): Promise<void> {
    const connected = this.#connect()
    await this.#writeRest(
      delivery,
      messages,
      undefined,
      connected.then(() => this.#output.write(messages, this.#abort.signal)),
    )
  }

  async #writeRest(
    delivery: Delivery,
    messages: Batch,
    startedAt: number | undefined,
    written: Promise<void>,
  ): Promise<void> {
    let failure: Error | null = null
    try {
      await this.#attempt(() => this.#output.write(messages, this.#abort.signal), written)
      this.#measure(messages, 1, startedAt)
    } catch (error) {
      failure = this.#checked(messages, asError(error))
      this.#report(failure)
    }
    this.#leave(messages.length)
    await this.#answer(delivery, messages, failure)
  }

  /** A failure that names messages of another batch breaks the contract, because it cannot be attributed. */
  #checked(messages: Batch, failure: Error): Error {
    if (!(failure instanceof PartialFailure)) return failure
    const isKnown =
      failure.failures.size > 0 && [...failure.failures.keys()].every(message => messages.includes(message))
    return isKnown
      ? failure
      : new ContractError(`${this.#options.name} reported failures of messages that it was not given`)
  }

  /** Writes the messages of several jobs as one run, and settles each. Never rejects. */
  async #writeRun(jobs: readonly Job[]): Promise<void> {
    const run = jobs.length === 1 ? jobs[0]!.messages : jobs.flatMap(job => job.messages)
    const startedAt = this.#options.monotonic()
    /** Null if all were delivered. */
    let outcomes: readonly (Error | null)[] | null
    try {
      const given = await this.#attemptRun(run)
      outcomes = given.every(isDelivered) ? null : given
    } catch (error) {
      const failure = asError(error)
      outcomes = run.map(() => failure)
    }
    const failures = outcomes === null ? [] : outcomes.filter(outcome => outcome !== null)
    const sent = outcomes === null ? run : run.filter((_, index) => outcomes[index] === null)
    this.#measure(sent, sent.length, startedAt)
    for (const failure of new Set(failures)) this.#report(failure)
    this.#leave(run.length)
    let first = 0
    for (const { delivery, messages } of jobs) {
      await this.#answerRun(delivery, messages, outcomes?.slice(first, first + messages.length) ?? null)
      first += messages.length
    }
  }

  /** Forwards a run; the slot is freed when all of its messages are settled. */
  #forward({ delivery, messages }: Job): void {
    let left = messages.length
    const failures = new Set<Error>()
    this.#output.forwardRun!(messages, (some, failure) => {
      left -= some.length
      if (failure !== null && !failures.has(failure)) {
        failures.add(failure)
        this.#report(failure)
      }
      if (left === 0) this.#leave(messages.length)
      return this.#answer(delivery, some, failure)
    })
  }

  async #answerRun(
    delivery: Delivery,
    messages: readonly Message[],
    outcomes: readonly (Error | null)[] | null,
  ): Promise<void> {
    if (outcomes === null) return await this.#answer(delivery, messages, null)
    const delivered = messages.filter((_, index) => outcomes[index] === null)
    if (delivered.length > 0) await this.#answer(delivery, delivered, null)
    for (const [index, failure] of outcomes.entries()) {
      if (failure !== null) await this.#answer(delivery, [messages[index]!], failure)
    }
  }

  #measure(messages: readonly Message[], batches: number, startedAt: number | undefined): void {
    if (startedAt !== undefined) this.#latency.observe((this.#options.monotonic() - startedAt) * 1e6, batches)
    let sent = 0
    for (let i = 0; i < messages.length; i++) sent += messages[i]!.context?.collapsed ?? 1
    this.#sent.add(sent)
    this.#batchSent.add(batches)
    if (messages.length > 0) this.#hasDelivered = true
  }

  #answer(delivery: Delivery, messages: readonly Message[], failure: Error | null): Promise<void> | undefined {
    try {
      const answered = delivery.settle(messages, failure)
      return answered instanceof Promise ? answered.catch((error: unknown) => this.#unanswered(error)) : undefined
    } catch (error) {
      this.#unanswered(error)
      return undefined
    }
  }

  #unanswered(error: unknown): void {
    this.#options.log.error(`Failed to acknowledge message: ${messageOf(error)}`)
  }

  /** Waits for a write in progress; if the connection was lost, reconnects and writes again. */
  async #attempt<T>(write: () => MaybePromise<T>, begun?: Promise<T>): Promise<T> {
    let attempt: MaybePromise<T> | undefined = begun
    for (;;) {
      try {
        if (attempt === undefined && !this.connected) await this.#connect()
        return await (attempt ?? write())
      } catch (error) {
        if (!(error instanceof NotConnectedError)) throw error
        attempt = undefined
        this.#lost()
        await this.#connect()
      }
    }
  }

  /** The outcome of every message; those left open by a lost connection are written again. */
  async #attemptRun(run: readonly Message[]): Promise<readonly (Error | null)[]> {
    const outcomes = await this.#attempt(() => this.#output.writeRun!(run, this.#abort.signal))
    if (outcomes.length !== run.length) {
      throw new ContractError(
        `${this.#options.name} returned ${outcomes.length} outcomes for ${run.length} messages; none counts as delivered`,
      )
    }
    if (!outcomes.some(isLost)) return outcomes
    if (outcomes.some(isDelivered)) this.#hasDelivered = true
    this.#lost()
    const again = await this.#attemptRun(run.filter((_, index) => isLost(outcomes[index]!)))
    let next = 0
    return outcomes.map(outcome => (isLost(outcome) ? again[next++]! : outcome))
  }

  #lost(): void {
    this.#connectionsLost.add(1)
    if (!this.connected) return
    this.connected = false
    if (this.#hasDelivered) {
      this.#futileConnections = 0
      this.#futileBackoff.reset()
      return
    }
    this.#futileConnections++
    this.#options.log.error(`Lost the connection to ${this.#options.name} before it took a message`)
  }

  #report(failure: Error): void {
    if (failure instanceof ClosedError) return
    this.#errors.add(1)
    const reason = messageOf(failure)
    if (this.#options.quiet) this.#options.log.debug(`Rejecting message: ${reason}`)
    else this.#options.log.error(`Failed to send message to ${this.#options.name}: ${reason}`)
  }

  #connect(): Promise<void> {
    this.#connecting ??= this.#connectLoop().finally(() => {
      this.#connecting = null
    })
    return this.#connecting
  }

  async #connectLoop(): Promise<void> {
    const backoff = new Backoff(reconnectDelays, this.#options.random)
    const { signal } = this.#abort
    // Otherwise a destination that accepts every connection and drops it would be connected to without a pause.
    if (this.#futileConnections > 1) await pause(this.#futileBackoff.next()!, signal)
    while (!this.connected) {
      if (signal.aborted) throw new ClosedError()
      try {
        await this.#output.connect?.(signal)
        this.connected = true
        this.#hasDelivered = false
        this.#connects.add(1)
        if (!this.#options.composes) this.#options.log.info(`Output type ${this.#options.name} is now active`)
      } catch (error) {
        if (signal.aborted || error instanceof ClosedError) throw new ClosedError()
        this.#options.log.error(`Failed to connect to ${this.#options.name}: ${messageOf(error)}`)
        this.#connectFailures.add(1)
        await pause(backoff.next() ?? 1000, signal)
      }
    }
  }
}

function isLost(outcome: Error | null): boolean {
  return outcome instanceof NotConnectedError
}

function isDelivered(outcome: Error | null): boolean {
  return outcome === null
}

function nothing(): void {
  // A job that starts immediately needs no notification.
}
