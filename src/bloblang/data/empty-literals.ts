/*
 * An array literal without elements is not an array yet where the original makes a text of it (`{"a":[]}.string()` is `{"a":null}`).
 * It becomes one where it is stored: in `root`, in metadata, as what a fold begins with.
 */
import { isArray } from './coerce.ts'
import { isObject } from '../value.ts'
import type { Value } from '../value.ts'
import { mapLeaves } from './deep.ts'

const literals = new WeakSet<object>()
let isAnyKnown = false

/** Values that hold literals are written in a mapping; deeper ones than this do not occur. */
const MAX_DEPTH = 400

/** The value of an array literal without elements. */
export function emptyLiteral(): readonly Value[] {
  const literal: readonly Value[] = []
  literals.add(literal)
  isAnyKnown = true
  return literal
}

/** A value as its text is to show it: with null for these literals. */
export function asShown(value: Value): Value {
  return isAnyKnown && holdsLiteral(value, 0) ? withNulls(value, 0) : value
}

/** A value as it is once it is stored. */
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
