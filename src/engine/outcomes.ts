import { type Batch, throwFailures } from './batch.ts'
import { NotConnectedError } from './component.ts'
import type { Message } from './message.ts'

/**
 * Throws the combined outcome of a batch's messages, given by index: nothing if all are null, a
 * {@link NotConnectedError} if there is one, so that the whole batch is written again, otherwise the failures of its
 * messages.
 */
export function throwOutcomes(batch: Batch, outcomes: readonly (Error | null)[]): void {
  const failures = new Map<Message, Error>()
  for (const [index, error] of outcomes.entries()) {
    if (error instanceof NotConnectedError) throw error
    if (error !== null) failures.set(batch[index]!, error)
  }
  throwFailures(batch, failures)
}
