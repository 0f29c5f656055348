import { asError } from '../base/index.ts'
import type { Message } from './message.ts'

/** Messages that belong together: one batch as its user sees it, in `batch_size()`, `archive` or a transaction. Never empty. */
export type Batch = readonly Message[]

/** Some messages of a batch were not delivered, each for a reason of its own; the others were. */
export class PartialFailure extends Error {
  /** The reason for each message of the batch that failed. */
  readonly failures: ReadonlyMap<Message, Error>

  constructor(failures: ReadonlyMap<Message, Error>) {
    const first = failures.values().next().value
    super(first?.message ?? 'some messages failed', { cause: first })
    this.name = 'PartialFailure'
    this.failures = failures
  }
}

/**
 * Delivers the messages of a batch one after the other by a function that throws where one fails. Throws that error where the
 * batch is a single message, else a {@link PartialFailure} of those that failed.
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

/** Throws what `failures` say of a batch: nothing, the one error of a single message, or a {@link PartialFailure}. */
export function throwFailures(batch: Batch, failures: ReadonlyMap<Message, Error>): void {
  if (failures.size === 0) return
  throw batch.length === 1 ? failures.get(batch[0]!)! : new PartialFailure(failures)
}

/** The reason for each message of a batch that an error of writing it is about. */
export function failuresOf(batch: Batch, error: Error): ReadonlyMap<Message, Error> {
  return error instanceof PartialFailure ? error.failures : new Map(batch.map(message => [message, error]))
}

/** The outcomes of a run all of which was delivered. */
export function allDelivered(run: readonly Message[]): readonly null[] {
  // Runs of one source have mostly the same length.
  if (delivered.length !== run.length) delivered = Array<null>(run.length).fill(null)
  return delivered
}

let delivered: readonly null[] = []
