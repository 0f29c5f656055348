import { asError } from '../../base/index.ts'
import { type Batch, failuresOf, PartialFailure } from '../batch.ts'
import type { Chain, MaybePromise } from '../component.ts'
import { Delivery, isRun } from '../delivery.ts'
import { asRoot, isRoot, type Message, rootOf } from '../message.ts'
import type { Segment, SegmentRunner } from './segments.ts'

/**
 * Runs a chain over a delivery. The results are new deliveries. A source message is settled once all results derived
 * from it are: as delivered, or as rejected with the first reason.
 */
export function processDelivery(chain: SegmentRunner, delivery: Delivery): MaybePromise<readonly Delivery[]> {
  const source = rooted(delivery)
  const rejected = new Map<Message, Error>()
  let results: MaybePromise<readonly Segment[]>
  try {
    results = chain.run({ messages: source.messages, isRun: isRun(source) }, (message, error) =>
      rejected.set(message, error),
    )
  } catch (error) {
    return reject(source, error)
  }
  if (results instanceof Promise) {
    return results.then(
      segments => derived(source, segments, rejected),
      (error: unknown) => reject(source, error),
    )
  }
  return derived(source, results, rejected)
}

/** The batch that a chain produces from a delivery, or null if nothing remains, which acknowledges it. */
export async function processToBatch(chain: Chain, delivery: Delivery): Promise<Delivery | null> {
  const source = rooted(delivery)
  const messages = (await chain.process(source.messages)).flat()
  const [batch] = await derived(source, messages.length === 0 ? [] : [{ messages, isRun: false }], new Map())
  return batch ?? null
}

/**
 * Merges the messages of several deliveries into one batch; each delivery receives the outcomes of its own messages.
 */
export function merged(parts: readonly Part[]): Delivery {
  return new Delivery(
    parts.flatMap(part => part.messages),
    false,
    async (_, error) => {
      for (const { delivery, messages } of parts) await delivery.settle(messages, error)
    },
  )
}

/** Some messages of a delivery. */
export interface Part {
  readonly delivery: Delivery
  readonly messages: readonly Message[]
}

/** Splits a delivery into one delivery per batch. */
export function separated(delivery: Delivery): readonly Delivery[] {
  if (!isRun(delivery) || delivery.messages.length === 1) return [delivery]
  return delivery.messages.map(message => delivery.like([message], (some, error) => delivery.settle(some, error)))
}

/** Cuts a long run into runs of about `maxBytes`. */
export function shortened(delivery: Delivery, maxBytes: number): readonly Delivery[] {
  const { messages } = delivery
  if (!isRun(delivery)) return [delivery]
  const parts: Delivery[] = []
  let start = 0
  let sizeBytes = 0
  for (let i = 0; i < messages.length; i++) {
    sizeBytes += messages[i]!.sizeBytes
    if (sizeBytes < maxBytes && i < messages.length - 1) continue
    if (start === 0 && i === messages.length - 1) return [delivery]
    parts.push(delivery.like(messages.slice(start, i + 1), (some, error) => delivery.settle(some, error)))
    start = i + 1
    sizeBytes = 0
  }
  return parts
}

/** The same delivery with every message a root, to which derived messages are traced back. */
function rooted(delivery: Delivery): Delivery {
  const { messages } = delivery
  for (let i = 0; i < messages.length; i++) if (!isRoot(messages[i]!)) return delivery.mapped(asRoot)
  return delivery
}

async function reject(delivery: Delivery, error: unknown): Promise<readonly Delivery[]> {
  await delivery.ack(asError(error))
  return []
}

function derived(
  source: Delivery,
  segments: readonly Segment[],
  rejected: Map<Message, Error>,
): MaybePromise<readonly Delivery[]> {
  if (segments.length === 0 && rejected.size === 0) {
    const done = source.ack(null)
    return done instanceof Promise ? done.then(() => []) : []
  }
  const tracked = isRun(source) ? new TrackedRun(source, segments, rejected) : new TrackedBatch(source, segments)
  const deliveries = segments.map(
    segment => new Delivery(segment.messages, segment.isRun, (some, error) => tracked.settled(segment, some, error)),
  )
  return tracked instanceof TrackedRun && rejected.size > 0 ? tracked.reject().then(() => deliveries) : deliveries
}

/** Collects the outcomes of everything derived from one batch, and settles it once. */
class TrackedBatch {
  readonly #source: Delivery
  readonly #failures = new Map<Message, Error>()
  /** If a batch became several, a partial failure of one rejects all of its messages, as in the original. */
  readonly #rejectsWhole: boolean
  /** Number of unsettled messages. */
  #left: number

  constructor(source: Delivery, segments: readonly Segment[]) {
    this.#source = source
    this.#rejectsWhole = segments.length > 1 || segments[0]?.isRun === true
    this.#left = segments.reduce((sum, { messages }) => sum + messages.length, 0)
  }

  settled(
    { messages, isRun: isRunSegment }: Segment,
    some: readonly Message[],
    error: Error | null,
  ): MaybePromise<void> {
    this.#left -= some.length
    if (error !== null) {
      const whole = !isRunSegment && messages.length > 1 && this.#rejectsWhole
      const failures = whole ? new Map(messages.map(message => [message, firstOf(error)])) : failuresOf(some, error)
      for (const [message, reason] of failures) noteFailure(this.#failures, message, reason)
    }
    return this.#left === 0 ? this.#source.ack(this.#error()) : undefined
  }

  #error(): Error | null {
    if (this.#failures.size === 0) return null
    const reasons = new Set(this.#failures.values())
    const [reason] = reasons
    return reasons.size === 1 && this.#failures.size === this.#source.messages.length
      ? reason!
      : new PartialFailure(this.#failures)
  }
}

/** Settles each message of a run as soon as everything derived from it is settled. */
class TrackedRun {
  readonly #source: Delivery
  readonly #segments: readonly Segment[]
  /** Starts with the messages that a processor rejected, from which nothing was derived. */
  readonly #failures: Map<Message, Error>
  /** For each message the number of unsettled batches derived from it; null until the first outcome. */
  #open: Map<Message, number> | null = null

  constructor(source: Delivery, segments: readonly Segment[], rejected: Map<Message, Error>) {
    this.#source = source
    this.#segments = segments
    this.#failures = rejected
  }

  settled(segment: Segment, some: readonly Message[], error: Error | null): MaybePromise<void> {
    // The common case: the source produced only this run, and all of it arrived together.
    const isAll = some.length === segment.messages.length && this.#segments.length === 1
    if (isAll && error === null && this.#open === null) return this.#source.ack(null)
    const delivered = this.#start()
    const failed: Message[] = []
    const failures = error === null ? null : failuresOf(some, error)
    if (failures !== null) for (const [message, reason] of failures) noteFailure(this.#failures, message, reason)
    for (const root of segment.isRun ? rootsOf(some) : new Set(rootsOf(some))) {
      const open = this.#open!.get(root)! - 1
      this.#open!.set(root, open)
      if (open === 0) (this.#failures.has(root) ? failed : delivered).push(root)
    }
    return this.#answer(delivered, failed)
  }

  /** Settles the messages that a processor rejected. */
  reject(): Promise<void> {
    const rejected = [...this.#failures.keys()]
    return this.#answer(this.#start(), rejected)
  }

  async #answer(delivered: readonly Message[], failed: readonly Message[]): Promise<void> {
    if (delivered.length > 0) await this.#source.settle(delivered, null)
    for (const root of failed) await this.#source.settle([root], this.#failures.get(root)!)
  }

  /** Counts the results of each message. Returns the messages without results, which count as delivered. */
  #start(): Message[] {
    if (this.#open !== null) return []
    const open = new Map<Message, number>()
    for (const { messages, isRun: isRunSegment } of this.#segments) {
      for (const root of isRunSegment ? rootsOf(messages) : new Set(rootsOf(messages))) {
        open.set(root, (open.get(root) ?? 0) + 1)
      }
    }
    this.#open = open
    return this.#source.messages.filter(message => !open.has(message) && !this.#failures.has(message))
  }
}

function rootsOf(messages: readonly Message[]): readonly Message[] {
  return messages.flatMap(rootOf)
}

function noteFailure(failures: Map<Message, Error>, message: Message, reason: Error): void {
  const root = rootOf(message)
  for (const each of root instanceof Array ? root : [root]) if (!failures.has(each)) failures.set(each, reason)
}

/** The first reason of a partial failure, or the failure itself. */
function firstOf(error: Error): Error {
  return error instanceof PartialFailure ? (error.failures.values().next().value ?? error) : error
}

/** The messages of a batch that failed. */
export function failedOf(batch: Batch, error: Error): Batch {
  if (!(error instanceof PartialFailure)) return batch
  const failed = batch.filter(message => error.failures.has(message))
  return failed.length === 0 ? batch : failed
}
