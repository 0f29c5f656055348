import { type Batch, throwFailures } from './batch.ts'
import { NotConnectedError } from './component.ts'
import type { Message } from './message.ts'

/**
 * Throws what the outcomes of the messages of a batch, each at its place, come to for the batch: nothing where all are null, the
 * {@link NotConnectedError} where one is among them, so that the batch is written again, else the failures of its messages.
 */
export function throwOutcomes(batch: Batch, outcomes: readonly (Error | null)[]): void {
  const failures = new Map<Message, Error>()
  for (const [index, error] of outcomes.entries()) {
    if (error instanceof NotConnectedError) throw error
    if (error !== null) failures.set(batch[index]!, error)
  }
  throwFailures(batch, failures)
}
