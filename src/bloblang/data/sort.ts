import { MappingError, WrongTypeError } from '../errors.ts'
import { NarrowFloat, NarrowInteger, isNumber } from '../value.ts'
import type { Value } from '../value.ts'
import { getNumber, getString } from './coerce.ts'
import { within } from './errors.ts'
import { compareText } from './text-order.ts'

/** Whether the element at the first place belongs before the one at the second; the places are for error texts. */
export type Less<T> = (elements: readonly T[], first: number, second: number) => boolean

/**
 * Sorts a copy. Up to twelve elements are sorted by insertion, like the original does, so that an error names the same place;
 * longer arrays are sorted stably, and a failing comparison names the places in the array as it came.
 */
export function sortElements<T>(elements: readonly T[], less: Less<T>): readonly T[] {
  return elements.length <= 12 ? sortByInsertion([...elements], less) : sortByMerging(elements, less)
}

/** Orders numbers of any kind, or texts and bytes; the kind of the first decides. */
export function compareScalars(
  left: Value,
  right: Value,
  leftPlace: string,
  rightPlace: string,
  wrap: (prefix: string, error: unknown) => MappingError = within,
): boolean {
  if (isSortable(left)) {
    return read(getNumber, left, leftPlace, wrap) < read(getNumber, right, rightPlace, wrap)
  }
  if (typeof left === 'string' || left instanceof Uint8Array) {
    return compareText(read(getString, left, leftPlace, wrap), read(getString, right, rightPlace, wrap)) < 0
  }
  throw wrap(leftPlace, new WrongTypeError(['number', 'string'], left))
}

/** Numbers of narrower types than 64 bits are not sorted. */
function isSortable(value: Value): boolean {
  if (value instanceof NarrowFloat) return false
  return isNumber(value) && !(value instanceof NarrowInteger && value.type !== 'int')
}

function read<T>(
  getter: (value: Value) => T,
  value: Value,
  place: string,
  wrap: (prefix: string, error: unknown) => MappingError,
): T {
  try {
    return getter(value)
  } catch (error) {
    throw wrap(place, error)
  }
}

function sortByInsertion<T>(elements: T[], less: Less<T>): readonly T[] {
  for (let end = 1; end < elements.length; end++) {
    for (let at = end; at > 0 && less(elements, at, at - 1); at--) {
      const moved = elements[at]!
      elements[at] = elements[at - 1]!
      elements[at - 1] = moved
    }
  }
  return elements
}

function sortByMerging<T>(elements: readonly T[], less: Less<T>): readonly T[] {
  const places = Array.from(elements.keys())
  // The engine only asks whether the result is below zero, so one question a comparison is enough.
  places.sort((a, b) => (less(elements, a, b) ? -1 : 0))
  return places.map(place => elements[place]!)
}
