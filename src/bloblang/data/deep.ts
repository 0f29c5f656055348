import { isArray } from './coerce.ts'
import { isObject, setOwn, type Value, type ValueObject } from '../value.ts'

/**
 * Traversal of documents of any depth. Documents may be nested ten thousand levels deep, which would overflow the
 * stack. The first few hundred levels are walked recursively, which is fastest; deeper values are queued in a list.
 */
export const MOST_CALLS = 400

/** A copy of all arrays and objects, with every other value replaced by the result of `leaf`. */
export function mapLeaves(value: Value, leaf: (value: Value) => Value): Value {
  const copy = emptyCopy(value)
  if (copy === undefined) return leaf(value)
  const later: Copy[] = []
  fill(copy, value, leaf, 0, later)
  for (let next = later.pop(); next !== undefined; next = later.pop()) fill(next.copy, next.value, leaf, 0, later)
  return copy
}

/** Calls `visit` for every value that is neither an array nor an object. */
export function visitLeaves(value: Value, visit: (value: Value) => void): void {
  const later: Value[] = [value]
  for (let next = later.pop(); next !== undefined; next = later.pop()) visitWithin(next, visit, 0, later)
}

/** A copy whose members are still to be filled in. */
interface Copy {
  readonly copy: Container
  readonly value: Value
}

type Container = Value[] | Record<string, Value>

function emptyCopy(value: Value): Container | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  if (Array.isArray(value)) return []
  return isObject(value) ? {} : undefined
}

function fill(copy: Container, value: Value, leaf: (value: Value) => Value, depth: number, later: Copy[]): void {
  if (depth > MOST_CALLS) {
    later.push({ copy, value })
    return
  }
  if (Array.isArray(copy)) {
    // Array copies are made from arrays.
    for (const element of value as readonly Value[]) copy.push(placed(element, leaf, depth, later))
    return
  }
  const object = value as ValueObject // object copies are made from objects
  for (const key of Object.keys(object)) setOwn(copy, key, placed(object[key]!, leaf, depth, later))
}

function placed(value: Value, leaf: (value: Value) => Value, depth: number, later: Copy[]): Value {
  const copy = emptyCopy(value)
  if (copy === undefined) return leaf(value)
  fill(copy, value, leaf, depth + 1, later)
  return copy
}

function visitWithin(value: Value, visit: (value: Value) => void, depth: number, later: Value[]): void {
  if (typeof value !== 'object' || value === null) visit(value)
  else if (depth > MOST_CALLS) later.push(value)
  else if (isArray(value)) {
    for (const element of value) visitWithin(element, visit, depth + 1, later)
  } else if (isObject(value)) {
    for (const key of Object.keys(value)) visitWithin(value[key]!, visit, depth + 1, later)
  } else visit(value)
}
