import type { Failure } from './diagnostic.ts'
import type { Fault } from './fault.ts'

/** Converts a fault of the parser to the input for a diagnostic. */
export function toFailure(fault: Fault): Failure {
  const { at, from, message, suggestions, imported, expected } = fault
  if (imported === undefined) return { at, from, message, suggestions, expects: expected.length > 0 }
  const { path, text } = imported
  return { at, from, message, suggestions, imported: { path, text, failure: toFailure(imported.fault) } }
}
