import { isObject, setOwn } from '../value.ts'
import { MappingError } from '../errors.ts'
import type { Value, ValueObject } from '../value.ts'
import { isArray } from './coerce.ts'
import { quote } from '../text/quote.ts'

/** `a.b~1c.~0d` → `a`, `b.c`, `~d`. */
export function splitPath(path: string): readonly string[] {
  const segments = path.split('.')
  return path.includes('~')
    ? segments.map(segment => segment.replace(/~[01]/g, escape => (escape === '~0' ? '~' : '.')))
    : segments
}

/** The value at a path; undefined if there is none. `*` covers all elements of an array. */
export function searchPath(root: Value, path: readonly string[], from = 0): Value | undefined {
  let value = root
  for (let at = from; at < path.length; at++) {
    const segment = path[at]!
    if (isArray(value)) {
      if (segment === '*') return searchElements(value, path, at + 1)
      const index = parseIndex(segment)
      if (index === null || index < 0 || index >= value.length) return undefined
      value = value[index]!
    } else {
      if (!isObject(value) || !Object.hasOwn(value, segment)) return undefined
      value = value[segment]!
    }
  }
  return value
}

/**
 * Sets a value at a path. Containers on the path are copied, so that values shared with the input stay unchanged.
 * Missing segments become objects, `-` appends to an array.
 */
export function setPath(root: Value, path: readonly string[], value: Value): Value {
  return setFrom(root === null ? {} : root, path, 0, value)
}

/** Deletes the value at a path. Throws if there is nothing to delete. */
export function deletePath(root: Value, path: readonly string[]): Value {
  if (root === null) throw new MappingError('not an object')
  const parentPath = path.slice(0, -1)
  const target = path.at(-1)!
  const parent = parentPath.length === 0 ? root : searchPath(root, parentPath)
  if (parent !== undefined && isObject(parent)) {
    if (!Object.hasOwn(parent, target)) throw new MappingError('field not found')
    const copy = withoutField(parent, target)
    return parentPath.length === 0 ? copy : setPath(root, parentPath, copy)
  }
  if (parent !== undefined && isArray(parent)) {
    if (parentPath.length === 0) throw new MappingError('unable to delete array index at root of path')
    const index = parseIndex(target)
    if (index === null) throw new MappingError(`failed to parse array index '${target}': ${badIndex(target)}`)
    if (index < 0 || index >= parent.length) throw new MappingError('out of bounds')
    return setPath(root, parentPath, parent.toSpliced(index, 1))
  }
  throw new MappingError('not an object or array')
}

/** A copy without one field. `delete` would put the object into V8's slow dictionary mode permanently. */
export function withoutField(object: ValueObject, key: string): ValueObject {
  const copy: Record<string, Value> = {}
  for (const name of Object.keys(object)) if (name !== key) setOwn(copy, name, object[name]!)
  return copy
}

/** Merges two objects; `collide` combines fields that both have unless both are objects. */
export function mergeObjects(
  destination: ValueObject,
  source: ValueObject,
  collide: (destination: Value, source: Value) => Value,
): ValueObject {
  const merged = { ...destination }
  // Nested objects are queued in a list, because a document may be too deep for the stack.
  const open: { readonly draft: Record<string, Value>; readonly source: ValueObject }[] = [{ draft: merged, source }]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { draft } = next
    for (const key of Object.keys(next.source)) {
      const value = next.source[key]!
      const existing = Object.hasOwn(draft, key) ? draft[key]! : undefined
      if (existing === undefined) setOwn(draft, key, value)
      else if (isObject(existing) && isObject(value)) {
        const inner = { ...existing }
        setOwn(draft, key, inner)
        open.push({ draft: inner, source: value })
      } else setOwn(draft, key, collide(existing, value))
    }
  }
  return merged
}

/** Both values in one array; values that are arrays contribute their elements. */
export function joinCollision(destination: Value, source: Value): Value {
  return [...elementsOf(destination), ...elementsOf(source)]
}

function elementsOf(value: Value): readonly Value[] {
  return isArray(value) ? value : [value]
}

/** The object reduced to the given paths. */
export function withPaths(object: ValueObject, paths: readonly (readonly string[])[]): ValueObject {
  const kept: Record<string, Value> = {}
  for (const key of Object.keys(object)) {
    const matching = paths.filter(path => path[0] === key)
    if (matching.length === 0) continue
    const nested = matching.filter(path => path.length > 1).map(path => path.slice(1))
    const value = object[key]!
    setOwn(kept, key, nested.length > 0 && isObject(value) ? withPaths(value, nested) : value)
  }
  return kept
}

/** The object without the given paths. */
export function withoutPaths(object: ValueObject, paths: readonly (readonly string[])[]): ValueObject {
  const kept: Record<string, Value> = {}
  for (const key of Object.keys(object)) {
    const matching = paths.filter(path => path[0] === key)
    if (matching.some(path => path.length === 1)) continue
    const value = object[key]!
    const nested = matching.map(path => path.slice(1))
    setOwn(kept, key, nested.length > 0 && isObject(value) ? withoutPaths(value, nested) : value)
  }
  return kept
}

function searchElements(elements: readonly Value[], path: readonly string[], next: number): Value | undefined {
  const found =
    next >= path.length ? elements : elements.map(element => searchPath(element, path, next)).filter(isFound)
  return found.length === 0 ? undefined : found
}

function isFound(value: Value | undefined): value is Value {
  return value !== undefined
}

function setFrom(current: Value, path: readonly string[], at: number, value: Value): Value {
  if (at === path.length) return value
  const segment = path[at]!
  if (isObject(current)) {
    const child = Object.hasOwn(current, segment) ? current[segment]! : null
    const copy = { ...current }
    setOwn(copy, segment, setFrom(child === null ? {} : child, path, at + 1, value))
    return copy
  }
  if (!isArray(current)) throw new MappingError('encountered value collision whilst building path')
  if (segment === '-') {
    if (at < 1) throw new MappingError('unable to append new array index at root of path')
    return [...current, setFrom({}, path, at + 1, value)]
  }
  const index = elementIndex(current.length, segment, at)
  if (typeof index === 'string') throw new MappingError(index)
  const child = current[index]!
  if (child === null && at < path.length - 1) {
    throw new MappingError(`failed to resolve path segment '${at}': field '${segment}' was not found`)
  }
  return current.with(index, setFrom(child, path, at + 1, value))
}

/** The array index of a path segment, or the reason why it is invalid. */
export function elementIndex(length: number, segment: string, at: number): number | string {
  const index = parseIndex(segment)
  const found = `failed to resolve path segment '${at}': found array but`
  if (index === null)
    return `${found} segment value '${segment}' could not be parsed into array index: ${badIndex(segment)}`
  if (index < 0) return `${found} index '${segment}' is invalid`
  return index < length ? index : `${found} index '${segment}' exceeded target array size of '${length}'`
}

/** Go's `strconv.Atoi`: an optional sign and decimal digits, within 64 bits. */
function parseIndex(segment: string): number | null {
  if (!/^[+-]?\d+$/.test(segment)) return null
  const index = Number(segment)
  if (Number.isSafeInteger(index)) return index
  if (Math.abs(index) > 2 ** 63) return null
  const exact = BigInt(segment)
  return BigInt.asIntN(64, exact) === exact ? index : null
}

function badIndex(segment: string): string {
  const problem = /^[+-]?\d+$/.test(segment) ? 'value out of range' : 'invalid syntax'
  return `strconv.Atoi: parsing ${quote(segment)}: ${problem}`
}
