import type { Query } from '../stdlib/spec.ts'
import type { Value, ValueObject } from '../value.ts'
import { MappingError, WrongTypeError } from '../errors.ts'
import { expectArray, getNumber } from './coerce.ts'
import { within } from './errors.ts'

/** Evaluates a query for one element. An error or a non-boolean result is prefixed with the result of `prefix`. */
export function testElement(query: Query, element: Value, prefix: (isError: boolean) => string): boolean {
  let answer: Value
  try {
    answer = query(element)
  } catch (error) {
    throw within(prefix(true), error)
  }
  if (typeof answer === 'boolean') return answer
  throw within(prefix(false), new WrongTypeError(['bool'], answer))
}

/** The same for an element of an array, for `find_by` and `find_all_by`. */
export function matchesQuery(query: Query, element: Value, index: number): boolean {
  const prefix = (isError: boolean) =>
    `query returned ${isError ? 'an error' : 'a non-boolean value'} for index ${index}`
  return testElement(query, element, prefix)
}

/** The elements of an array, which must all be numbers, for `min` and `max`; an empty array is an error. */
export function numbersOf(target: Value): readonly number[] {
  const numbers = expectArray(target).map(elementNumber)
  if (numbers.length === 0) throw new MappingError('the array was empty')
  return numbers
}

function elementNumber(element: Value, at: number): number {
  try {
    return getNumber(element)
  } catch (error) {
    throw within(`index ${at} of array`, error)
  }
}

/** The value that a query over an object sees for one field. */
export function fieldContext(key: string, value: Value): ValueObject {
  return { key, value }
}
