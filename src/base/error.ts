// A caught value has the type `unknown`, because a library may throw anything. These read it without a type assertion.
import { inWordsOfTheOriginal } from './connection-reason.ts'

/** Returns a caught value as an `Error`: itself, or an `Error` with its text. */
export function asError(caught: unknown): Error {
  return caught instanceof Error ? caught : new Error(messageOf(caught))
}

/** The message of a caught value: that of an error or of an object with a message, otherwise its text. Connection errors of Node are worded as in the original. */
export function messageOf(caught: unknown): string {
  // Node throws this when no address of a host answers: its message is empty, and its `errors` carry the reasons.
  if (caught instanceof AggregateError && caught.message === '' && caught.errors.length > 0) {
    return messageOf(caught.errors[0])
  }
  if (typeof caught !== 'object' || caught === null || !('message' in caught)) return String(caught)
  return inWordsOfTheOriginal(String(caught.message))
}

/** The code of a caught value, as Node and most clients set it (`ENOENT`, `ECONNREFUSED`); undefined if it has none. */
export function codeOf(caught: unknown): string | undefined {
  if (typeof caught !== 'object' || caught === null || !('code' in caught)) return undefined
  return typeof caught.code === 'string' ? caught.code : undefined
}
