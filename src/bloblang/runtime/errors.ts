import { codeOf } from '../../base/index.ts'
import { describeWrongType } from '../data/errors.ts'
import { MappingError, WrongTypeError } from '../errors.ts'

/**
 * What compiled code does with errors. A place in the program (`site`) that words its errors has an entry in the table of
 * sites; compiled code notes the number of the site that it is at, and the handler of its function reads the table.
 */
export interface Site {
  /** `failed to check match case 0`; null for a statement. */
  readonly prefix: string | null
  /** The site around it; 0 where there is none. */
  readonly parent: number
  /** The line of a statement. */
  readonly line: number
}

/** How many maps may apply each other at a time, as in the original. */
export const MAX_MAP_DEPTH = 5000

/**
 * The last `failed assignment (line N): …` and the like. Texts that wrap them still end with them, and that is how the outer
 * levels find them again, whatever put words before them.
 */
let lastAssignment: string | null = null
let lastOverflow: string | null = null

/** Whether something came out larger than the engine holds; of strings from bytes Node says so by an error of another class. */
function isTooLarge(error: unknown): error is Error {
  if (error instanceof RangeError) return !error.message.includes('call stack')
  return error instanceof Error && codeOf(error) === 'ERR_STRING_TOO_LONG'
}

/** The text of anything that compiled code can throw. Rethrows what is a defect of ours. */
export function describe(error: unknown): string {
  if (error instanceof MappingError) return error.message
  if (error instanceof WrongTypeError) return describeWrongType(error)
  if (isTooLarge(error)) return `the result is too large: ${error.message}`
  if (!(error instanceof RangeError)) throw error
  return overflow('a map').message
}

/** Puts the words of a site and of the sites around it before an error. */
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

/** The line of the statement that a site is in. */
export function lineOf(sites: readonly Site[], at: number): number {
  let site = sites[at]
  while (site !== undefined && site.prefix !== null) site = sites[site.parent]
  return site?.line ?? 0
}

/** A failed statement of a map: only the innermost line is named, and what was put before it on the way is dropped. */
export function failedAssignment(error: unknown, sites: readonly Site[], at: number): MappingError {
  const text = describe(within(error, sites, at))
  if (lastAssignment !== null && text.endsWith(lastAssignment)) return new MappingError(lastAssignment)
  const cause = lastOverflow !== null && text.endsWith(lastOverflow) ? lastOverflow : text
  lastAssignment = `failed assignment (line ${lineOf(sites, at)}): ${cause}`
  return new MappingError(lastAssignment)
}

/** Too many maps inside of each other. */
export function overflow(what: string): MappingError {
  lastOverflow = `entering ${what} exceeded maximum allowed stacks of ${MAX_MAP_DEPTH}, this could be due to unbounded recursion`
  return new MappingError(lastOverflow)
}

/** Completes an error of a method with what the method was called on, as far as it lacks a place. */
export function annotate(error: unknown, annotation: string, wrongTypesOnly: boolean): unknown {
  if (error instanceof WrongTypeError) return new MappingError(describeWrongType(error, annotation), 'closed')
  if (wrongTypesOnly) return error
  if (isTooLarge(error)) {
    return new MappingError(`${annotation}: ${describe(error)}`, 'sealed')
  }
  if (!(error instanceof MappingError) || error.place !== 'open') return error
  return new MappingError(`${annotation}: ${error.message}`, 'sealed')
}
