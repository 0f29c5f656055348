import { MappingError, WrongTypeError } from '../errors.ts'
import { NarrowFloat, NarrowInteger, isNumber } from '../value.ts'
import type { Value } from '../value.ts'
import { getNumber, getString } from './coerce.ts'
import { within } from './errors.ts'
import { patternSort } from './pattern-sort.ts'
import { compareText } from './text-order.ts'

/** Whether the element at the first index sorts before the one at the second; the indexes are used in error texts. */
export type Less<T> = (elements: readonly T[], first: number, second: number) => boolean

/**
 * Sorts a copy with the same steps as the original: equal elements come out in its order, and an error names the
 * indexes that it names.
 */
export function sortElements<T>(elements: readonly T[], less: Less<T>): readonly T[] {
  const sorted = [...elements]
  patternSort(sorted, (first, second) => less(sorted, first, second))
  return sorted
}

/** Compares numbers of any kind, or texts and bytes; the type of the first decides. */
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

/** Numbers of types narrower than 64 bits are not sortable. */
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
