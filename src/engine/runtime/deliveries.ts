import { type Batch, BatchError, type Delivery, Outcome, soloBatch } from '../batch.ts'
import type { Chain, MaybePromise } from '../component.ts'
import type { Message } from '../message.ts'

/** The same batch with every message's origin being its own index, so that what is made of it can be traced back. */
export function rooted(batch: Batch): Batch {
  const { messages } = batch
  for (let i = 0; i < messages.length; i++) {
    if (messages[i]!.origin !== i) {
      return { messages: messages.map((message, index) => message.withOrigin(index)), solo: batch.solo }
    }
  }
  return batch
}

/**
 * Runs a chain over a delivery. The results are deliveries of their own; once all of them are settled, the original is
 * acknowledged, or refused for the messages whose descendants failed.
 */
export function processDelivery(chain: Chain, delivery: Delivery): MaybePromise<readonly Delivery[]> {
  const source = { batch: rooted(delivery.batch), ack: delivery.ack }
  let results: MaybePromise<readonly Batch[]>
  try {
    results = chain.run(source.batch)
  } catch (error) {
    return refused(source, error)
  }
  if (results instanceof Promise) {
    return results.then(
      batches => children(source, batches),
      error => refused(source, error),
    )
  }
  return children(source, results)
}

async function refused(delivery: Delivery, error: unknown): Promise<readonly Delivery[]> {
  await delivery.ack(error instanceof Error ? error : new Error(String(error)))
  return []
}

function children(source: Delivery, batches: readonly Batch[]): MaybePromise<readonly Delivery[]> {
  if (batches.length === 0) {
    const done = source.ack(null)
    return done instanceof Promise ? done.then(() => []) : []
  }
  const outcome = new Outcome()
  let pending = batches.length
  // Of several batches, one that failed in part is refused as a whole, as in the original: its messages belong together.
  const refusesWhole = batches.length > 1 && !source.batch.solo
  return batches.map(batch => ({
    batch,
    ack: error => {
      if (error !== null) outcome.failed(batch, refusesWhole && error instanceof BatchError ? whole(error) : error)
      pending--
      return pending === 0 ? source.ack(outcome.error(source.batch.messages.length)) : undefined
    },
  }))
}

/** The first reason of a partial failure, for all messages. */
function whole(error: BatchError): Error {
  return error.failures.values().next().value ?? new Error(error.message)
}

/** A delivery of messages that are batches of their own as deliveries of one message each. */
export function dissolve(delivery: Delivery): readonly Delivery[] {
  if (!delivery.batch.solo) return [delivery]
  return split(
    delivery,
    delivery.batch.messages.map((_, index) => [index]),
  ).map(child => ({
    batch: { messages: child.batch.messages, solo: false },
    ack: child.ack,
  }))
}

/** Parts of a delivery, by the indexes of their messages, each with an ack of its own. */
export function split(delivery: Delivery, parts: readonly (readonly number[])[]): readonly Delivery[] {
  const acks = new PartialAck(delivery)
  const deliveries = parts.map(indexes => ({
    batch: {
      messages: indexes.map(index => delivery.batch.messages[index]!),
      solo: delivery.batch.solo && indexes.length > 1,
    },
    ack: acks.open(indexes),
  }))
  void acks.seal()
  return deliveries
}

/** Acknowledges a delivery once all of its parts are settled, with the failures of each. */
export class PartialAck {
  readonly #delivery: Delivery
  readonly #failures = new Map<number, Error>()
  #open = 0
  #sealed = false

  constructor(delivery: Delivery) {
    this.#delivery = delivery
  }

  /** The ack of a part with the messages of these indexes; the list may still grow until it is called. */
  open(indexes: readonly number[]): (error: Error | null) => void | Promise<void> {
    this.#open++
    return error => {
      if (error instanceof BatchError) {
        for (const [position, reason] of error.failures) this.#failures.set(indexes[position]!, reason)
      } else if (error !== null) {
        for (const index of indexes) this.#failures.set(index, error)
      }
      this.#open--
      return this.#settle()
    }
  }

  /** No further part is opened. */
  seal(): void | Promise<void> {
    this.#sealed = true
    return this.#settle()
  }

  #settle(): void | Promise<void> {
    if (!this.#sealed || this.#open > 0) return undefined
    if (this.#failures.size === 0) return this.#delivery.ack(null)
    const single = this.#delivery.batch.messages.length === 1
    return this.#delivery.ack(single ? [...this.#failures.values()][0]! : new BatchError(this.#failures))
  }
}

/** Messages with one ack. */
export interface Part {
  readonly messages: readonly Message[]
  readonly ack: (error: Error | null) => void | Promise<void>
}

/** One batch of the messages of several parts; each part hears of its own messages. */
export function merge(parts: readonly Part[]): Delivery {
  const messages: Message[] = []
  const places: { readonly part: number; readonly index: number }[] = []
  for (const [part, { messages: own }] of parts.entries()) {
    for (const [index, message] of own.entries()) {
      places.push({ part, index })
      messages.push(message.withOrigin(messages.length))
    }
  }
  return {
    batch: { messages, solo: false },
    ack: async error => {
      if (!(error instanceof BatchError)) {
        for (const part of parts) await part.ack(error)
        return
      }
      const failures = parts.map(() => new Map<number, Error>())
      for (const [index, reason] of error.failures) {
        const place = places[index]
        if (place !== undefined) failures[place.part]!.set(place.index, reason)
      }
      for (const [index, part] of parts.entries()) {
        const own = failures[index]!
        await part.ack(own.size === 0 ? null : new BatchError(own))
      }
    },
  }
}

/** The messages of a delivery that failed, as a batch to deliver again. */
export function failedPart(batch: Batch, error: Error): Batch {
  if (!(error instanceof BatchError)) return batch
  const messages: Message[] = []
  for (const index of [...error.failures.keys()].toSorted((left, right) => left - right)) {
    const message = batch.messages[index]
    if (message !== undefined) messages.push(message.withOrigin(messages.length))
  }
  if (messages.length === 0) return batch
  return batch.solo ? soloBatch(messages) : { messages, solo: false }
}
