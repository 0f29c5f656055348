import { messageOf } from '../../base/index.ts'
import type { Clock, Log } from '../../base/index.ts'
import type { Batcher, BatchPolicy, Chain } from '../component.ts'
import { type Delivery, isRun } from '../delivery.ts'
import type { Message } from '../message.ts'
import type { Counter, Metrics } from '../metrics.ts'
import { merged, type Part, processToBatch } from './tracker.ts'

/** The rule that completes a batch. */
type Mechanism = 'count' | 'size' | 'check' | 'period'

type BatchCounters = Readonly<Record<Mechanism, Counter>>

/** The series that count batches by what completed them. All exist from the start, because dashboards divide by them. */
export function batchCounters(metrics: Metrics): BatchCounters {
  const created = (mechanism: Mechanism) => metrics.counter('batch_created', { mechanism })
  return { count: created('count'), size: created('size'), check: created('check'), period: created('period') }
}

/** Collects messages until a `batching` policy is met: by count, size, a condition on the newest message, or time. */
export class PolicyBatcher implements Batcher {
  readonly #policy: BatchPolicy
  readonly #processors: Chain
  readonly #clock: Clock
  readonly #log: Log
  readonly #random: () => number
  readonly #created: BatchCounters
  #parts: Part[] = []
  #messages: Message[] = []
  #sizeBytes = 0
  /** The rule that has been met, if any. */
  #complete: Mechanism | null = null
  #dueAt: number | undefined

  constructor(policy: BatchPolicy, processors: Chain, clock: Clock, log: Log, metrics: Metrics, random: () => number) {
    this.#policy = policy
    this.#processors = processors
    this.#clock = clock
    this.#log = log
    this.#random = random
    this.#created = batchCounters(metrics)
  }

  get size(): number {
    return this.#messages.length
  }

  async add(delivery: Delivery): Promise<readonly Delivery[]> {
    const complete: Delivery[] = []
    // A batch is never split; a run may be.
    const mayCut = isRun(delivery)
    let messages: Message[] = []
    for (const [index, message] of delivery.messages.entries()) {
      if (messages.length === 0) this.#parts.push({ delivery, messages })
      messages.push(message)
      const mechanism = this.#push(message)
      const isLast = index === delivery.messages.length - 1
      this.#complete ||= mechanism
      if (this.#complete === null || (!mayCut && !isLast)) continue
      this.#created[this.#complete].add(1)
      complete.push(...(await this.#take()))
      messages = []
    }
    return complete
  }

  async flush({ isDue }: { readonly isDue: boolean } = { isDue: true }): Promise<readonly Delivery[]> {
    if (this.#messages.length === 0) return []
    if (isDue) this.#created.period.add(1)
    return await this.#take()
  }

  untilDue(): number | undefined {
    if (this.#dueAt === undefined) return undefined
    return Math.max(0, this.#dueAt - this.#clock.monotonic())
  }

  close(): Promise<void> {
    return this.#processors.close()
  }

  /** Adds a message; returns the rule that completes the batch, if any. */
  #push(message: Message): Mechanism | null {
    const policy = this.#policy
    if (policy.period !== undefined && this.#dueAt === undefined) {
      this.#dueAt = this.#clock.monotonic() + policy.period * (1 + this.#random() * policy.jitter)
    }
    this.#messages.push(message)
    if (policy.byte_size > 0) this.#sizeBytes += message.sizeBytes
    if (policy.count > 0 && this.#messages.length >= policy.count) return 'count'
    if (policy.byte_size > 0 && this.#sizeBytes >= policy.byte_size) return 'size'
    if (policy.check === null) return null
    try {
      return policy.check.check(this.#messages, this.#messages.length - 1) ? 'check' : null
    } catch (error) {
      this.#log.error(`Failed to execute batch check query: ${messageOf(error)}`)
      return null
    }
  }

  async #take(): Promise<readonly Delivery[]> {
    const batch = merged(this.#parts)
    this.#parts = []
    this.#complete = null
    this.#messages = []
    this.#sizeBytes = 0
    this.#dueAt = undefined
    if (this.#processors.length === 0) return [batch]
    try {
      const processed = await processToBatch(this.#processors, batch)
      return processed === null ? [] : [processed]
    } catch (error) {
      this.#log.error(`Batch processors resulted in error: ${messageOf(error)}, the batch has been dropped.`)
      await batch.ack(null)
      return []
    }
  }
}
