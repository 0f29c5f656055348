// What is caught has the type `unknown`: a library may throw anything. These read it without a type assertion.

/** What was caught as an `Error`: itself, or an `Error` with its text. */
export function asError(caught: unknown): Error {
  return caught instanceof Error ? caught : new Error(messageOf(caught))
}

/** The message of what was caught: that of an error or of an object with one, else its text. */
export function messageOf(caught: unknown): string {
  // As Node throws where no address of a host answers: the message is empty, and the errors say why.
  if (caught instanceof AggregateError && caught.message === '' && caught.errors.length > 0) {
    return messageOf(caught.errors[0])
  }
  return typeof caught === 'object' && caught !== null && 'message' in caught ? String(caught.message) : String(caught)
}

/** The code of what was caught, as Node and most clients set it (`ENOENT`, `ECONNREFUSED`); undefined where it has none. */
export function codeOf(caught: unknown): string | undefined {
  if (typeof caught !== 'object' || caught === null || !('code' in caught)) return undefined
  return typeof caught.code === 'string' ? caught.code : undefined
}
