import type { Log } from '../../base/index.ts'
import { type Batch, BatchError, type Delivery } from '../batch.ts'
import {
  type Batcher,
  type Chain,
  ClosedError,
  NotConnectedError,
  type Output,
  type OutputHandle,
} from '../component.ts'
import type { Counter, Metrics, Timer } from '../metrics.ts'
import { Backoff, pause } from './backoff.ts'
import { processDelivery } from './deliveries.ts'
import { Limiter } from './limiter.ts'

export interface OutputLayerOptions {
  readonly name: string
  readonly log: Log
  readonly metrics: Metrics
  readonly random: () => number
  readonly monotonic: () => number
  readonly maxInFlight: number
  readonly processors: Chain
  readonly batcher: Batcher | undefined
  /** A composing output says nothing itself of what its children could not deliver. */
  readonly quiet: boolean
  /** It has no connection of its own. */
  readonly composes: boolean
  /** Whether an input ended, so that an incomplete batch may wait for messages that never come. */
  readonly isDraining: () => boolean
}

/** How long an incomplete batch without a period waits for company once an input ended. */
const DRAIN_MS = 10

/**
 * The life of an output: its processors and batching policy, connecting with back-off, up to `maxInFlight` writes at a time,
 * and writing again after a lost connection.
 */
export class OutputLayer implements OutputHandle {
  readonly #output: Output
  readonly #options: OutputLayerOptions
  readonly #limiter: Limiter
  readonly #abort = new AbortController()
  readonly #sent: Counter
  readonly #batchSent: Counter
  readonly #errors: Counter
  readonly #latency: Timer
  readonly #connects: Counter
  readonly #connectFailures: Counter
  readonly #connectionsLost: Counter
  #connecting: Promise<void> | null = null
  #flushTimer: ReturnType<typeof setTimeout> | undefined
  #flushing = false
  #closed = false
  connected = false

  constructor(output: Output, options: OutputLayerOptions) {
    this.#output = output
    this.#options = options
    this.#limiter = new Limiter(Math.max(1, options.maxInFlight))
    this.#sent = options.metrics.counter('output_sent')
    this.#batchSent = options.metrics.counter('output_batch_sent')
    this.#errors = options.metrics.counter('output_error')
    this.#latency = options.metrics.timer('output_latency_ns')
    this.#connects = options.metrics.counter('output_connection_up')
    this.#connectFailures = options.metrics.counter('output_connection_failed')
    this.#connectionsLost = options.metrics.counter('output_connection_lost')
  }

  get hasRoom(): boolean {
    return this.#limiter.hasRoom
  }

  async room(): Promise<void> {
    await this.#limiter.enter()
    this.#limiter.leave()
  }

  /** Begins to connect. */
  start(): void {
    this.#connect().catch((error: unknown) =>
      this.#options.log.debug(`Gave up connecting: ${(error as Error).message}`),
    )
  }

  write(batch: Batch): Promise<void> {
    return new Promise((resolve, reject) => {
      const ack = (error: Error | null) => (error === null ? resolve() : reject(error))
      const accepted = this.accept({ batch, ack })
      if (accepted instanceof Promise) accepted.catch(reject)
    })
  }

  /** Takes a delivery over; resolves when there is room for more. Its ack is called in the end, whatever happens. */
  accept(delivery: Delivery): void | Promise<void> {
    if (this.#options.processors.length === 0) return this.#collect(delivery)
    const results = processDelivery(this.#options.processors, delivery)
    if (results instanceof Promise) return results.then(deliveries => this.#collectAll(deliveries))
    if (results.length === 1) return this.#collect(results[0]!)
    return this.#collectAll(results)
  }

  /** Delivers what a policy still holds back. */
  async flush(): Promise<void> {
    clearTimeout(this.#flushTimer)
    this.#flushTimer = undefined
    const { batcher } = this.#options
    if (batcher === undefined) return
    for (const delivery of await batcher.flush()) await this.#send(delivery)
  }

  /** Delivers an incomplete batch soon, where no period says when. */
  flushSoon(): void {
    const { batcher } = this.#options
    if (batcher !== undefined && this.#flushTimer === undefined) this.#schedule(batcher)
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

  /** Sees to it that what is held back is delivered in time. */
  #schedule(batcher: Batcher): void {
    if (this.#flushing) return
    clearTimeout(this.#flushTimer)
    this.#flushTimer = undefined
    if (batcher.size === 0) return
    const dueMs = batcher.untilDue() ?? (this.#options.isDraining() ? DRAIN_MS : undefined)
    if (dueMs === undefined) return
    this.#flushTimer = setTimeout(() => {
      this.#flushInTime(batcher).catch((error: unknown) =>
        this.#options.log.error(`Failed to flush batch: ${(error as Error).message}`),
      )
    }, dueMs)
  }

  /** While every write is busy the batch grows on, up to what completes it: then who brings messages waits as well. */
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

  #send(delivery: Delivery): void | Promise<void> {
    const wait = this.#limiter.enter()
    if (wait !== undefined) return wait.then(() => void this.#write(delivery))
    void this.#write(delivery)
    return undefined
  }

  /** Writes one batch and calls its ack. Never rejects. */
  async #write(delivery: Delivery): Promise<void> {
    const { batch } = delivery
    let failure: Error | null = null
    try {
      if (!this.connected) await this.#connect()
      const startedAt = this.#options.monotonic()
      await this.#attempt(batch)
      this.#latency.observe((this.#options.monotonic() - startedAt) * 1e6)
      this.#sent.add(batch.messages.length)
      this.#batchSent.add(batch.solo ? batch.messages.length : 1)
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error))
      if (!(failure instanceof ClosedError)) this.#report(failure)
    }
    this.#limiter.leave()
    try {
      await delivery.ack(failure)
    } catch (error) {
      this.#options.log.error(`Failed to acknowledge message: ${(error as Error).message}`)
    }
  }

  async #attempt(batch: Batch): Promise<void> {
    for (;;) {
      try {
        const written = this.#output.write(batch, this.#abort.signal)
        if (written instanceof Promise) await written
        return
      } catch (error) {
        if (!(error instanceof NotConnectedError)) throw error
        this.#connectionsLost.add(1)
        this.connected = false
        await this.#connect()
      }
    }
  }

  #report(failure: Error): void {
    this.#errors.add(1)
    if (this.#options.quiet) this.#options.log.debug(`Rejecting message: ${failure.message}`)
    else this.#options.log.error(`Failed to send message to ${this.#options.name}: ${failure.message}`)
  }

  #connect(): Promise<void> {
    this.#connecting ??= this.#connectLoop().finally(() => {
      this.#connecting = null
    })
    return this.#connecting
  }

  async #connectLoop(): Promise<void> {
    const backoff = new Backoff({ initialMs: 500, maxMs: 1000 }, this.#options.random)
    const { signal } = this.#abort
    while (!this.connected) {
      if (signal.aborted) throw new ClosedError()
      try {
        await this.#output.connect?.(signal)
        this.connected = true
        this.#connects.add(1)
        if (!this.#options.composes) this.#options.log.info(`Output type ${this.#options.name} is now active`)
      } catch (error) {
        if (signal.aborted || error instanceof ClosedError) throw new ClosedError()
        this.#options.log.error(`Failed to connect to ${this.#options.name}: ${(error as Error).message}`)
        this.#connectFailures.add(1)
        await pause(backoff.next() ?? 1000, signal)
      }
    }
  }
}

/** Whether an error is about some messages of a batch only. */
export function isPartial(error: unknown): error is BatchError {
  return error instanceof BatchError
}
