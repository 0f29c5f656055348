import type { Query } from '../stdlib/spec.ts'
import type { Value, ValueObject } from '../value.ts'
import { MappingError, WrongTypeError } from '../errors.ts'
import { expectArray, getNumber } from './coerce.ts'
import { within } from './errors.ts'

/** Asks a query about one element. An error, or an answer that is not a truth value, gets the words of `prefix` in front. */
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

/** The same about each element of an array for `find_by` and `find_all_by`. */
export function matchesQuery(query: Query, element: Value, index: number): boolean {
  const prefix = (isError: boolean) =>
    `query returned ${isError ? 'an error' : 'a non-boolean value'} for index ${index}`
  return testElement(query, element, prefix)
}

/** The numbers of an array that holds nothing else, for `min` and `max`; an empty one is an error. */
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

/** What a query over an object sees of one field. */
export function fieldContext(key: string, value: Value): ValueObject {
  return { key, value }
}
