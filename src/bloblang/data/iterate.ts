import type { Query } from '../stdlib/spec.ts'
import type { Value, ValueObject } from '../value.ts'
import { expectBool } from './coerce.ts'
import { within } from './errors.ts'

/** Asks a query about one element; anything but a truth value is an error, and errors name the element. */
export function testElement(query: Query, element: Value, prefix: string): boolean {
  let answer: Value
  try {
    answer = query(element)
  } catch (error) {
    throw within(prefix, error)
  }
  return checkBool(answer, prefix)
}

/** Asks a query about each element of an array for `find_by` and `find_all_by`. */
export function matchesQuery(query: Query, element: Value, index: number): boolean {
  let answer: Value
  try {
    answer = query(element)
  } catch (error) {
    throw within(`query returned an error for index ${index}`, error)
  }
  return checkBool(answer, `query returned a non-boolean value for index ${index}`)
}

/** What a query over an object sees of one field. */
export function fieldContext(key: string, value: Value): ValueObject {
  return { key, value }
}

function checkBool(answer: Value, prefix: string): boolean {
  try {
    return expectBool(answer)
  } catch (error) {
    throw within(prefix, error)
  }
}
