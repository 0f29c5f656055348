/*
 * In the original, an empty array literal is not an array yet when converted to text: `{"a":[]}.string()` is `{"a":null}`.
 * It becomes one when stored: in `root`, in metadata, or as the initial value of a fold.
 */
import { isArray } from './coerce.ts'
import { isObject } from '../value.ts'
import type { Value } from '../value.ts'
import { mapLeaves } from './deep.ts'

const literals = new WeakSet<object>()
let isAnyKnown = false

/** Values that contain literals are written out in a mapping, which never nests deeper than this. */
const MAX_DEPTH = 400

/** The value of an empty array literal. */
export function emptyLiteral(): readonly Value[] {
  const literal: readonly Value[] = []
  literals.add(literal)
  isAnyKnown = true
  return literal
}

/** A value as converted to text: with null for these literals. */
export function asShown(value: Value): Value {
  return isAnyKnown && holdsLiteral(value, 0) ? withNulls(value, 0) : value
}

/** A value as it is once stored. */
export function asStored(value: Value): Value {
  return isAnyKnown && holdsLiteral(value, 0) ? mapLeaves(value, leaf => leaf) : value
}

function holdsLiteral(value: Value, depth: number): boolean {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return false
  if (isArray(value)) {
    if (value.length === 0) return literals.has(value)
    for (const element of value) if (holdsLiteral(element, depth + 1)) return true
    return false
  }
  if (!isObject(value)) return false
  for (const key of Object.keys(value)) if (holdsLiteral(value[key]!, depth + 1)) return true
  return false
}

function withNulls(value: Value, depth: number): Value {
  if (depth > MAX_DEPTH) return value
  if (isArray(value)) {
    return literals.has(value) ? null : value.map(element => withNulls(element, depth + 1))
  }
  if (!isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, withNulls(field, depth + 1)]))
}
