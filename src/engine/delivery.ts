import { PartialFailure, type Batch } from './batch.ts'
import type { MaybePromise } from './component.ts'
import type { Message } from './message.ts'

/** Reports the outcome of a batch: null if every message arrived, a {@link PartialFailure} if only some failed. */
export type Ack = (error: Error | null) => MaybePromise<void>

/** Reports the outcome of some messages: null if they arrived. Called until every message has an outcome. */
export type AckSome = (messages: readonly Message[], error: Error | null) => MaybePromise<void>

// For the engine alone; `index.ts` does not export it.
/** Whether the messages of a delivery are a run. */
export let isRun: (delivery: Delivery) => boolean

/**
 * Messages in transit and the callback for their outcome: one batch, or a run of messages each of which is a batch by
 * itself and which travel together for speed. An input creates one with {@link deliverBatch} or {@link deliverEach}.
 */
export class Delivery {
  readonly messages: readonly Message[]
  /** Whether each message is a batch by itself. */
  readonly #isRun: boolean
  readonly #settle: AckSome

  constructor(messages: readonly Message[], isRun: boolean, settle: AckSome) {
    this.messages = messages
    this.#isRun = isRun
    this.#settle = settle
  }

  /** The batches as the user sees them. */
  get batches(): readonly Batch[] {
    return this.#isRun ? this.messages.map(message => [message]) : [this.messages]
  }

  /** Settles all messages together; none may have been settled before. */
  ack(error: Error | null): MaybePromise<void> {
    return this.settle(this.messages, error)
  }

  /** Settles some messages: all those of a batch, or any unsettled ones of a run. */
  settle(messages: readonly Message[], error: Error | null): MaybePromise<void> {
    if (!(error instanceof PartialFailure)) return this.#settle(messages, error)
    const failures = new Map(messages.flatMap(each => entryOf(each, error.failures)))
    if (!this.#isRun) return this.#settle(messages, failures.size === 0 ? null : new PartialFailure(failures))
    return this.#settleEach(messages, failures)
  }

  /** A delivery of the same kind with other messages and its own callback. */
  like(messages: readonly Message[], settle: AckSome): Delivery {
    return new Delivery(messages, this.#isRun, settle)
  }

  /** The same delivery with each message changed; the callback still receives the original messages. */
  mapped(change: (message: Message) => Message): Delivery {
    const originals = new Map<Message, Message>()
    const messages = this.messages.map(message => {
      const changed = change(message)
      originals.set(changed, message)
      return changed
    })
    const before = (message: Message) => originals.get(message)!
    return this.like(messages, (some, error) => {
      const reason =
        error instanceof PartialFailure
          ? new PartialFailure(new Map([...error.failures].map(([message, each]) => [before(message), each])))
          : error
      return this.settle(some.map(before), reason)
    })
  }

  async #settleEach(messages: readonly Message[], failures: ReadonlyMap<Message, Error>): Promise<void> {
    const delivered = messages.filter(message => !failures.has(message))
    if (delivered.length > 0) await this.#settle(delivered, null)
    for (const [message, reason] of failures) await this.#settle([message], reason)
  }

  static {
    isRun = delivery => delivery.#isRun
  }
}

function entryOf(message: Message, failures: ReadonlyMap<Message, Error>): readonly (readonly [Message, Error])[] {
  const reason = failures.get(message)
  return reason === undefined ? [] : [[message, reason]]
}

/** One batch; `ack` is called once. */
export function deliverBatch(batch: Batch, ack: Ack): Delivery {
  return new Delivery(batch, false, (_, error) => ack(error))
}

/**
 * A run of messages, such as the lines of a file; all must be distinct objects. `ack` is called with messages that
 * share an outcome, the same objects that were passed in, until each has one.
 */
export function deliverEach(messages: readonly Message[], ack: AckSome = nothing): Delivery {
  return new Delivery(messages, true, ack)
}

/** An `ack` for {@link deliverEach} that calls `done` once all `count` messages are settled: first error or null. */
export function whenAllSettled(count: number, done: Ack): AckSome {
  let left = count
  let failure: Error | null = null
  return (messages, error) => {
    left -= messages.length
    failure ??= error
    return left === 0 ? done(failure) : undefined
  }
}

/** Collects the outcomes of a batch's messages, which arrive separately, and calls `ack` once all are known. */
export function whenEachSettled(batch: Batch, ack: Ack): AckSome {
  const failures = new Map<Message, Error>()
  let left = batch.length
  return (messages, error) => {
    left -= messages.length
    if (error !== null) for (const message of messages) failures.set(message, error)
    if (left > 0) return undefined
    if (failures.size === 0) return ack(null)
    return ack(batch.length === 1 ? error : new PartialFailure(failures))
  }
}

function nothing(): void {
  // The source has no use for outcomes.
}
