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

/** Receives the outcome of a message, once: null if it was delivered. */
export type Settle = (error: Error | null) => void

/**
 * Sends messages with `send`, which gets the index of each and does not throw, and resolves to their outcomes. There is
 * one promise for all of them: for outputs whose client calls back for each message, which otherwise spend a fifth of
 * their processor time on promises.
 */
export function sendAll(
  count: number,
  send: (index: number, settle: Settle) => void,
): Promise<readonly (Error | null)[]> {
  const { promise, resolve } = Promise.withResolvers<readonly (Error | null)[]>()
  const outcomes = Array<Error | null>(count).fill(null)
  let waiting = count
  if (count === 0) resolve(outcomes)
  for (let index = 0; index < count; index++) {
    send(index, error => {
      outcomes[index] = error
      if (--waiting === 0) resolve(outcomes)
    })
  }
  return promise
}
