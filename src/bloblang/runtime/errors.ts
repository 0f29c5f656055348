import { codeOf } from '../../base/index.ts'
import { describeWrongType } from '../data/errors.ts'
import { MappingError, WrongTypeError } from '../errors.ts'

/**
 * Error handling of compiled code. A site is a position in the program that adds text to its errors. Compiled code
 * records the number of the current site, and the handler of its function looks it up in the table of sites.
 */
export interface Site {
  /** `failed to check match case 0`; null for a statement. */
  readonly prefix: string | null
  /** The enclosing site; 0 if there is none. */
  readonly parent: number
  /** The line of a statement. */
  readonly line: number
}

/** Maximum depth of map applications, as in the original. */
export const MAX_MAP_DEPTH = 5000

/**
 * The last `failed assignment (line N): …` text and the last overflow text. Texts that wrap them still end with them,
 * which is how outer levels recognise them regardless of any prefix.
 */
let lastAssignment: string | null = null
let lastOverflow: string | null = null

/** Whether a result exceeds V8's limits; for strings from bytes Node throws an error of another class. */
function isTooLarge(error: unknown): error is Error {
  if (error instanceof RangeError) return !error.message.includes('call stack')
  return error instanceof Error && codeOf(error) === 'ERR_STRING_TOO_LONG'
}

/** The text of anything that compiled code can throw. Rethrows defects of the program. */
export function describe(error: unknown): string {
  if (error instanceof MappingError) return error.message
  if (error instanceof WrongTypeError) return describeWrongType(error)
  if (isTooLarge(error)) return `the result is too large: ${error.message}`
  if (!(error instanceof RangeError)) throw error
  return overflow('a map').message
}

/** Prefixes an error with the texts of a site and its enclosing sites. */
export function within(error: unknown, sites: readonly Site[], at: number): MappingError | WrongTypeError {
  let text: string | null = null
  for (let site = sites[at]; site !== undefined && site.prefix !== null; site = sites[site.parent]) {
    text = `${site.prefix}: ${text ?? describe(error)}`
  }
  if (text !== null) return new MappingError(text, isSealed(error) ? 'sealed' : 'open')
  return error instanceof WrongTypeError || error instanceof MappingError ? error : new MappingError(describe(error))
}

function isSealed(error: unknown): boolean {
  return error instanceof MappingError && error.place === 'sealed'
}

/** The line of the statement that contains a site. */
export function lineOf(sites: readonly Site[], at: number): number {
  let site = sites[at]
  while (site !== undefined && site.prefix !== null) site = sites[site.parent]
  return site?.line ?? 0
}

/** A failed statement of a map: only the innermost line is named, and prefixes added on the way are dropped. */
export function failedAssignment(error: unknown, sites: readonly Site[], at: number): MappingError {
  const text = describe(within(error, sites, at))
  if (lastAssignment !== null && text.endsWith(lastAssignment)) return new MappingError(lastAssignment)
  const cause = lastOverflow !== null && text.endsWith(lastOverflow) ? lastOverflow : text
  lastAssignment = `failed assignment (line ${lineOf(sites, at)}): ${cause}`
  return new MappingError(lastAssignment)
}

/** The error for maps nested too deeply. */
export function overflow(what: string): MappingError {
  lastOverflow = `entering ${what} exceeded maximum allowed stacks of ${MAX_MAP_DEPTH}, this could be due to unbounded recursion`
  return new MappingError(lastOverflow)
}

/** Completes an error of a method with the target of the call, unless it already has a location. */
export function annotate(error: unknown, annotation: string, wrongTypesOnly: boolean): unknown {
  if (error instanceof WrongTypeError) return new MappingError(describeWrongType(error, annotation), 'closed')
  if (wrongTypesOnly) return error
  if (isTooLarge(error)) {
    return new MappingError(`${annotation}: ${describe(error)}`, 'sealed')
  }
  if (!(error instanceof MappingError) || error.place !== 'open') return error
  return new MappingError(`${annotation}: ${error.message}`, 'sealed')
}
