import { PartialFailure, type Batch } from './batch.ts'
import type { MaybePromise } from './component.ts'
import type { Message } from './message.ts'

/** What became of a batch: null where every message arrived, a {@link PartialFailure} where only some did not. */
export type Ack = (error: Error | null) => MaybePromise<void>

/** What became of some messages: null where they arrived. Called until every message had its answer. */
export type AckSome = (messages: readonly Message[], error: Error | null) => MaybePromise<void>

// For the engine alone; `index.ts` does not export it.
/** Whether the messages of a delivery are each a batch of their own. */
export let isRun: (delivery: Delivery) => boolean

/**
 * Messages on their way, and who is to learn what becomes of them: one batch, or many messages that are each a batch of their
 * own and travel together for speed. An input makes one with {@link deliverBatch} or {@link deliverEach}.
 */
export class Delivery {
  readonly messages: readonly Message[]
  /** Whether each message is a batch of its own. */
  readonly #isRun: boolean
  readonly #settle: AckSome

  constructor(messages: readonly Message[], isRun: boolean, settle: AckSome) {
    this.messages = messages
    this.#isRun = isRun
    this.#settle = settle
  }

  /** The batches as a user sees them. */
  get batches(): readonly Batch[] {
    return this.#isRun ? this.messages.map(message => [message]) : [this.messages]
  }

  /** Answers all messages at once; they must not have been answered in part before. */
  ack(error: Error | null): MaybePromise<void> {
    return this.settle(this.messages, error)
  }

  /** Answers some messages: of one batch all of them, of messages that are each their own any that have no answer yet. */
  settle(messages: readonly Message[], error: Error | null): MaybePromise<void> {
    if (!(error instanceof PartialFailure)) return this.#settle(messages, error)
    const failures = new Map(messages.flatMap(each => entryOf(each, error.failures)))
    if (!this.#isRun) return this.#settle(messages, failures.size === 0 ? null : new PartialFailure(failures))
    return this.#settleEach(messages, failures)
  }

  /** A delivery of the same kind with other messages and an answer of its own. */
  like(messages: readonly Message[], settle: AckSome): Delivery {
    return new Delivery(messages, this.#isRun, settle)
  }

  /** The same delivery with each message changed; the answer still refers to the original messages. */
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
 * Messages that are each a batch of their own, as the lines of a file are. `ack` is called with those that share an outcome,
 * the very objects that are given here, until each had one. No two are the same object.
 */
export function deliverEach(messages: readonly Message[], ack: AckSome = nothing): Delivery {
  return new Delivery(messages, true, ack)
}

/** An answer for {@link deliverEach} that calls `done` once, when `count` messages have theirs: with the first error, or null. */
export function whenAllSettled(count: number, done: Ack): AckSome {
  let left = count
  let failure: Error | null = null
  return (messages, error) => {
    left -= messages.length
    failure ??= error
    return left === 0 ? done(failure) : undefined
  }
}

/** Collects the outcomes of the messages of a batch, which come one by one, and calls `ack` once when all are there. */
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
  // A source that cannot be told what was delivered has nothing to do.
}
