import { messageOf } from '../../base/index.ts'
import { compare } from './operators.ts'
import {
  define,
  fieldOf,
  isArray,
  isMap,
  isNumber,
  JqError,
  type Json,
  type JsonObject,
  preview,
  typedPreview,
} from './json.ts'

/** The largest index up to which an assignment extends an array. */
const MAX_INDEX = 0x8000000
/** Marks deleted elements until all deletions are complete. */
const GONE = Symbol('gone')
type Gone = typeof GONE

/** Evaluates `value[key]`; a key is a name, a number, an array to search for, or an object with `start` and `end`. */
export function indexed(value: Json, key: Json): Json {
  if (typeof key === 'string') {
    if (value === null) return null
    if (isMap(value)) return fieldOf(value, key)
    throw new JqError(`expected an object but got: ${typedPreview(value)}`)
  }
  if (isNumber(key)) return elementAt(value, integerOf(key)!)
  if (isArray(key)) {
    if (value === null) return null
    if (isArray(value)) return positionsOf(value, key)
    throw notAnArray(value)
  }
  if (isMap(key)) {
    if (value === null) return null
    const [start, end] = boundsOf(key)
    return sliced(value, start, end)
  }
  if (isArray(value)) throw new JqError(`expected a number for indexing an array but got: ${typedPreview(key)}`)
  if (typeof value === 'string')
    throw new JqError(`expected a number for indexing a string but got: ${typedPreview(key)}`)
  throw new JqError(`expected a string for object key but got: ${typedPreview(key)}`)
}

function elementAt(value: Json, index: number): Json {
  if (value === null) return null
  if (isArray(value)) return value.at(index) ?? null
  if (typeof value === 'string') return [...value].at(index) ?? null
  throw notAnArray(value)
}

/** The positions at which an array occurs in another one. */
export function positionsOf(list: readonly Json[], part: readonly Json[]): readonly number[] {
  const found: number[] = []
  if (part.length === 0) return found
  for (let at = 0; at <= list.length - part.length; at++) {
    if (part.every((item, offset) => compare(list[at + offset]!, item) === 0)) found.push(at)
  }
  return found
}

/** A slice of an array or string; null stands for its start or end. */
export function sliced(value: Json, start: Json, end: Json): Json {
  if (value === null) return null
  if (isArray(value)) {
    const [from, to] = rangeWithin(value.length, start, end, 'an array')
    return value.slice(from, to)
  }
  if (typeof value !== 'string') throw notAnArray(value)
  const characters = [...value]
  const [from, to] = rangeWithin(characters.length, start, end, 'a string')
  return characters.slice(from, to).join('')
}

function rangeWithin(length: number, start: Json, end: Json, what: string): readonly [number, number] {
  const bound = (value: Json, least: number, otherwise: number) => {
    if (value === null) return otherwise
    const index = integerOf(value)
    if (index === undefined) throw new JqError(`expected a number for indexing ${what} but got: ${typedPreview(value)}`)
    return clamped(index, least, length)
  }
  const from = bound(start, 0, 0)
  return [from, bound(end, from, length)]
}

function clamped(index: number, least: number, length: number): number {
  return Math.min(Math.max(index < 0 ? index + length : index, least), length)
}

function integerOf(value: Json): number | undefined {
  return isNumber(value) ? Math.trunc(Number(value)) : undefined
}

function boundsOf(range: JsonObject): readonly [Json, Json] {
  if (!Object.hasOwn(range, 'start') || !Object.hasOwn(range, 'end')) {
    throw new JqError(`expected "start" and "end" for slicing but got: ${typedPreview(range)}`)
  }
  return [range['start']!, range['end']!]
}

function notAnArray(value: Json): JqError {
  return new JqError(`expected an array but got: ${typedPreview(value)}`)
}

/** The value at a path. */
export function getPath(value: Json, path: Json): Json {
  if (!isArray(path)) throw new JqError(`getpath(${preview(path)}) cannot be applied to: ${typedPreview(value)}`)
  let current = value
  for (const key of path) {
    if (current !== null && typeof current !== 'object') {
      throw new JqError(`getpath(${preview(path)}) cannot be applied to: ${typedPreview(value)}`)
    }
    try {
      current = indexed(current, key)
    } catch (error) {
      throw new JqError(`getpath(${preview(path)}) cannot be applied to ${preview(value)}: ${messageOf(error)}`)
    }
  }
  return current
}

/** A copy of the value with another one at a path; objects and arrays are created as needed. */
export function setPath(value: Json, path: Json, replacement: Json): Json {
  if (!isArray(path)) throw new JqError(`setpath(${preview(path)}) cannot be applied to: ${typedPreview(value)}`)
  try {
    return updated(value, path, 0, replacement) as Json // nothing is marked as gone here
  } catch (error) {
    const message = messageOf(error)
    const call = `setpath(${preview(path)}; ${preview(replacement)})`
    throw new JqError(`${call} cannot be applied to ${preview(value)}: ${message}`)
  }
}

/** A copy of the value without the given paths. */
export function deletePaths(value: Json, paths: Json): Json {
  if (!isArray(paths)) throw new JqError(`delpaths(${preview(paths)}) cannot be applied to: ${typedPreview(value)}`)
  if (paths.length === 0) return value
  let result: Json | Gone = value
  try {
    // Elements are marked first, because positions must not shift in the meantime.
    for (const path of paths) {
      if (!isArray(path)) throw notAnArray(path)
      result = updated(result, path, 0, GONE)
    }
  } catch (error) {
    throw new JqError(`delpaths(${preview(paths)}) cannot be applied to ${preview(value)}: ${messageOf(error)}`)
  }
  return swept(result)
}

function updated(value: Json | Gone, path: readonly Json[], at: number, to: Json | Gone): Json | Gone {
  if (at === path.length) return to
  if (value === GONE) return GONE
  const key = path[at]!
  if (typeof key === 'string') {
    if (value !== null && !isMap(value)) throw new JqError(`expected an object but got: ${typedPreview(value)}`)
    return withField(value ?? {}, key, path, at, to, value === null)
  }
  if (isNumber(key)) {
    if (value !== null && !isArray(value)) throw notAnArray(value)
    return withElement(value ?? [], integerOf(key)!, path, at, to, value === null)
  }
  if (isMap(key)) {
    if (value !== null && !isArray(value)) throw notAnArray(value)
    return withSlice(value ?? [], key, path, at, to)
  }
  if (isArray(value)) throw new JqError(`expected a number for indexing an array but got: ${typedPreview(key)}`)
  throw new JqError(`expected a string for object key but got: ${typedPreview(key)}`)
}

function withField(
  object: JsonObject,
  key: string,
  path: readonly Json[],
  at: number,
  to: Json | Gone,
  wasNull: boolean,
): Json {
  const has = Object.hasOwn(object, key)
  if (!has && to === GONE) return wasNull ? null : object
  const child = updated(has ? object[key]! : null, path, at + 1, to)
  const copy: Record<string, Json> = { ...object }
  define(copy, key, child as Json) // the marks are removed at the end
  return copy
}

function withElement(
  list: readonly Json[],
  index: number,
  path: readonly Json[],
  at: number,
  to: Json | Gone,
  wasNull: boolean,
): Json {
  const place = index < 0 ? index + list.length : index
  if (place < 0 || place >= list.length) {
    if (to === GONE) return wasNull ? null : list
    if (place < 0) throw new JqError(`array index should not be negative: ${index}`)
    if (place >= MAX_INDEX) throw new JqError(`array index too large: ${index}`)
  }
  const child = updated(list[place] ?? null, path, at + 1, to)
  const copy = list.slice()
  while (copy.length < place) copy.push(null)
  copy[place] = child as Json // the marks are removed at the end
  return copy
}

function withSlice(list: readonly Json[], range: JsonObject, path: readonly Json[], at: number, to: Json | Gone): Json {
  const [start, end] = boundsOf(range)
  const [from, until] = rangeWithin(list.length, isNumber(start) ? start : null, isNumber(end) ? end : null, 'an array')
  if (from === until && to === GONE) return list
  const part = updated(list.slice(from, until), path, at + 1, to)
  if (part === GONE)
    // `swept` removes the mark again.
    return list.map((item, index) => (index >= from && index < until ? (GONE as unknown as Json) : item))
  if (!isArray(part)) throw notAnArray(part)
  return [...list.slice(0, from), ...part, ...list.slice(until)]
}

function swept(value: Json | Gone): Json {
  if (value === GONE) return null
  // A mark that is only set in this file.
  if (isArray(value)) return value.filter(item => (item as Json | Gone) !== GONE).map(swept)
  if (!isMap(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, child]) => (child as Json | Gone) !== GONE) // a mark that is only set in this file
      .map(([key, child]) => [key, swept(child)]),
  )
}
