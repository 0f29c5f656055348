import type { Message } from './message.ts'

/**
 * Messages that travel together. In a `solo` batch each message is logically a batch of its own: readers of lines and records
 * deliver thousands at a time for speed, while everything that looks at batches (archive, group_by, batch_size() …) must see
 * them one by one.
 */
export interface Batch {
  readonly messages: readonly Message[]
  readonly solo: boolean
}

/** The outcome of a delivered batch: null where every message arrived, a {@link BatchError} where only some did not. */
export type Ack = (error: Error | null) => void | Promise<void>

/** A batch on its way and who wants to know what became of it. */
export interface Delivery {
  readonly batch: Batch
  readonly ack: Ack
}

/** Some messages of a batch could not be delivered; the others were. */
export class BatchError extends Error {
  /** The reason by the index of the message in the batch that was handed over. */
  readonly failures: ReadonlyMap<number, Error>

  constructor(failures: ReadonlyMap<number, Error>) {
    const first = failures.values().next().value
    super(first?.message ?? 'unknown error')
    this.name = 'BatchError'
    this.failures = failures
  }
}

export function batchOf(messages: readonly Message[]): Batch {
  return { messages, solo: false }
}

export function soloBatch(messages: readonly Message[]): Batch {
  return { messages, solo: messages.length > 1 }
}

/** The batches that a batch stands for: itself, or each message alone. */
export function logicalBatches(batch: Batch): readonly Batch[] {
  if (!batch.solo) return [batch]
  return batch.messages.map(message => ({ messages: [message], solo: false }))
}

/** Puts batches of one message together again, so that what comes behind has one batch to handle. */
export function joinSolo(batches: readonly Batch[]): readonly Batch[] {
  const result: Batch[] = []
  let run: Message[] = []
  const flush = () => {
    if (run.length > 0) result.push(soloBatch(run))
    run = []
  }
  for (const batch of batches) {
    if (batch.messages.length === 1 || batch.solo) {
      for (const message of batch.messages) run.push(message)
    } else {
      flush()
      result.push(batch)
    }
  }
  flush()
  return result
}

/** The origin of a message that was made of a whole batch, whose first message came from `first`: always negative. */
export function mergedOrigin(first: number): number {
  return first < 0 ? first : -2 - first
}

/** The origin of a message, or of the first of those that it was made of. */
export function firstOrigin(origin: number): number {
  return origin < 0 ? -2 - origin : origin
}

/** Collects what became of the batches that one delivered batch was turned into, by the origins of their messages. */
export class Outcome {
  #failures: Map<number, Error> | null = null
  #all: Error | null = null

  /** Notes that writing `batch` ended with `error`. */
  failed(batch: Batch, error: Error): void {
    if (error instanceof BatchError) {
      for (const [index, reason] of error.failures) this.#failedMessage(batch.messages[index], reason)
    } else {
      for (const message of batch.messages) this.#failedMessage(message, error)
    }
  }

  /** The error for the source: null, one for the whole batch, or one by message. */
  error(sourceSize: number): Error | null {
    if (this.#all !== null) return this.#all
    if (this.#failures === null) return null
    if (sourceSize === 1) return this.#failures.get(0) ?? null
    return new BatchError(this.#failures)
  }

  #failedMessage(message: Message | undefined, error: Error): void {
    if (message === undefined || message.origin < 0) {
      this.#all ??= error
      return
    }
    this.#failures ??= new Map()
    if (!this.#failures.has(message.origin)) this.#failures.set(message.origin, error)
  }
}
