import { asError } from '../base/index.ts'
import type { Message } from './message.ts'

/** Messages that belong together: a batch as seen by `batch_size()`, `archive` or a transaction. Never empty. */
export type Batch = readonly Message[]

/** Only some messages of a batch were delivered; each of the others has its own error. */
export class PartialFailure extends Error {
  /** The error of each message that failed. */
  readonly failures: ReadonlyMap<Message, Error>

  constructor(failures: ReadonlyMap<Message, Error>) {
    const first = failures.values().next().value
    super(first?.message ?? 'some messages failed', { cause: first })
    this.name = 'PartialFailure'
    this.failures = failures
  }
}

/**
 * Delivers the messages of a batch in turn with a function that throws on failure, and attempts all of them. Rethrows
 * the error of a single-message batch, otherwise a {@link PartialFailure} of the messages that failed.
 */
export async function deliverEachOf(
  batch: Batch,
  deliver: (message: Message, index: number) => void | Promise<void>,
): Promise<void> {
  const failures = new Map<Message, Error>()
  for (let i = 0; i < batch.length; i++) {
    try {
      await deliver(batch[i]!, i)
    } catch (error) {
      failures.set(batch[i]!, asError(error))
    }
  }
  throwFailures(batch, failures)
}

/** Throws the failures of a batch, if any: the error of a single message, otherwise a {@link PartialFailure}. */
export function throwFailures(batch: Batch, failures: ReadonlyMap<Message, Error>): void {
  if (failures.size === 0) return
  throw batch.length === 1 ? failures.get(batch[0]!)! : new PartialFailure(failures)
}

/** The error of each message that failed when writing `batch` threw `error`. */
export function failuresOf(batch: Batch, error: Error): ReadonlyMap<Message, Error> {
  return error instanceof PartialFailure ? error.failures : new Map(batch.map(message => [message, error]))
}

/** The outcomes of a run that was delivered in full. */
export function allDelivered(run: readonly Message[]): readonly null[] {
  // Cached, because the runs of one source mostly have the same length.
  if (delivered.length !== run.length) delivered = Array<null>(run.length).fill(null)
  return delivered
}

let delivered: readonly null[] = []
