import { MappingError } from '../errors.ts'
import { goTypeName, toPlainText } from '../text/go-value.ts'
import { Float, JsonNumber, NarrowInteger, Opaque, Timestamp, Uint64, getOwn, isObject, setOwn } from '../value.ts'
import type { Value, ValueObject } from '../value.ts'
import { isArray, numberText } from './coerce.ts'
import { sortedKeys } from './text-order.ts'
import { withoutField } from './objects.ts'
import { quote } from '../text/quote.ts'

/** One difference between two documents. Paths consist of field names and array indexes. */
export interface Change {
  readonly type: 'create' | 'update' | 'delete'
  readonly path: readonly string[]
  readonly from: Value
  readonly to: Value
}

/** The changes that turn `before` into `after`. Different types at the same path are an error, as in the original. */
export function diffValues(before: Value, after: Value): readonly Change[] {
  if (after !== null) return diffPresent([], before, after)
  if (!isObject(before)) return [{ type: 'delete', path: [], from: before, to: null }]
  return sortedKeys(before).map(key => ({ type: 'delete', path: [key], from: before[key]!, to: null }))
}

/** A change as mappings see it. */
export function describeChange({ type, path, from, to }: Change): ValueObject {
  return { Type: type, Path: [...path], From: from, To: to }
}

/** Reads a list of changes, from `diff` or written by hand. Keys are case-insensitive. */
export function readChanges(value: Value): readonly Change[] {
  const list = Opaque.contentOf(value)
  if (list === null || typeof list === 'symbol') return []
  if (!isArray(list)) throw new MappingError(`'': source data must be an array or slice, got ${kindOf(list)}`)
  return list.flatMap((entry, at) => {
    if (!isObject(entry)) throw decodingError(`'[${at}]' expected a map, got '${kindOf(entry)}'`)
    const type = readText(fieldOf(entry, 'type'), `[${at}].Type`)
    const path = readPath(fieldOf(entry, 'path'), `[${at}].Path`)
    return isChangeType(type) ? [{ type, path, from: fieldOf(entry, 'from'), to: fieldOf(entry, 'to') }] : []
  })
}

/** Applies changes in order to a copy of the document. */
export function applyChanges(document: Value, changes: readonly Change[]): Value {
  return changes.reduce((value, change) => applyAt(value, change, 0), document)
}

function diffPresent(path: readonly string[], before: Value, after: Value): readonly Change[] {
  if (kindOf(before) !== kindOf(after)) throw typeMismatch()
  if (isObject(before) && isObject(after)) return diffObjects(path, before, after)
  if (isArray(before) && isArray(after)) return diffArrays(path, before, after)
  return sameScalar(before, after) ? [] : [{ type: 'update', path, from: before, to: after }]
}

/** Members of arrays and objects may be null, which is compatible with every type. */
function diffMembers(path: readonly string[], before: Value | undefined, after: Value | undefined): readonly Change[] {
  if (before === undefined) return [{ type: 'create', path, from: null, to: after! }]
  if (after === undefined) return [{ type: 'delete', path, from: before, to: null }]
  if (before === null && after === null) return []
  if (before === null || after === null) return [{ type: 'update', path, from: before, to: after }]
  return diffPresent(path, before, after)
}

function diffObjects(path: readonly string[], before: ValueObject, after: ValueObject): readonly Change[] {
  const keys = new Set([...sortedKeys(before), ...sortedKeys(after)])
  const member = (object: ValueObject, key: string) => (Object.hasOwn(object, key) ? object[key]! : undefined)
  return [...keys].flatMap(key => diffMembers([...path, key], member(before, key), member(after, key)))
}

/** Elements that also occur in the other array, at any index, are omitted; the others are compared index by index. */
function diffArrays(path: readonly string[], before: readonly Value[], after: readonly Value[]): readonly Change[] {
  const gone = unmatched(before, after)
  const added = unmatched(after, before)
  const places = [...new Set([...gone, ...added])]
  const at = (array: readonly Value[], missing: readonly number[], place: number): Value | undefined =>
    missing.includes(place) ? array[place]! : undefined
  return places.flatMap(place => {
    return diffMembers([...path, String(place)], at(before, gone, place), at(after, added, place))
  })
}

/** The indexes of elements without an equal in the other array, each of whose elements is matched once. */
function unmatched(elements: readonly Value[], others: readonly Value[]): readonly number[] {
  const taken = new Set<number>()
  const places: number[] = []
  for (const [at, element] of elements.entries()) {
    const match = others.findIndex((other, place) => !taken.has(place) && isSame(other, element))
    if (match < 0) places.push(at)
    else taken.add(match)
  }
  return places
}

function isSame(before: Value, after: Value): boolean {
  try {
    return diffMembers([], before, after).length === 0
  } catch (error) {
    if (error instanceof MappingError) return false
    throw error
  }
}

function sameScalar(a: Value, b: Value): boolean {
  if (a instanceof Float && b instanceof Float) return a.value === b.value
  if (a instanceof Uint64 && b instanceof Uint64) return a.value === b.value
  if (a instanceof Timestamp && b instanceof Timestamp) return a.unixNanos === b.unixNanos
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0
  return textOfScalar(a) === textOfScalar(b)
}

function textOfScalar(value: Value): Value {
  return typeof value === 'number' || value instanceof JsonNumber ? numberText(value) : value
}

/** The original treats numbers of a document as texts, so `"1"` equals `1`. */
function kindOf(value: Value): string {
  if (typeof value === 'string' || typeof value === 'number' || value instanceof JsonNumber) return 'string'
  if (value instanceof NarrowInteger) return value.type
  if (isArray(value) || value instanceof Uint8Array) return 'slice'
  if (isObject(value)) return 'map'
  return value instanceof Timestamp ? 'struct' : goTypeName(value)
}

function typeMismatch(): MappingError {
  return diffError('types do not match')
}

function diffError(message: string, cause = ''): MappingError {
  return new MappingError(` ${message} (cause count ${cause === '' ? 0 : 1})\n${cause}`)
}

function applyAt(value: Value, change: Change, at: number): Value {
  const { path, type } = change
  const segment = path[at]
  if (segment === undefined) return type === 'delete' ? value : change.to
  if (isArray(value)) return applyToArray(value, change, at, segment)
  if (isObject(value)) return applyToObject(value, change, at, segment)
  throw diffError(`unable to access path position ${at}: the target is neither an array nor an object`)
}

function applyToObject(object: ValueObject, change: Change, at: number, key: string): Value {
  const isLast = at === change.path.length - 1
  if (change.type === 'delete' && (isLast || !Object.hasOwn(object, key))) return withoutField(object, key)
  const copy: Record<string, Value> = { ...object }
  // Missing parents are created.
  const child = getOwn(object, key)
  setOwn(copy, key, isLast ? change.to : applyAt(child === null ? {} : child, change, at + 1))
  return copy
}

function applyToArray(array: readonly Value[], change: Change, at: number, segment: string): Value {
  if (!/^[+-]?\d+$/.test(segment)) {
    const cause = `strconv.Atoi: parsing ${quote(segment)}: invalid syntax`
    throw diffError(`invalid index in path. ${segment} is not a number`, cause)
  }
  const index = Number(segment)
  const isLast = at === change.path.length - 1
  if (index < 0 || index >= array.length) {
    if (change.type === 'delete') {
      throw diffError(`Value index ${index} is invalid`, ' scanning for Value index (cause count 0)\n')
    }
    return [...array, isLast ? change.to : applyAt({}, change, at + 1)]
  }
  if (isLast) return change.type === 'delete' ? array.toSpliced(index, 1) : array.with(index, change.to)
  return array.with(index, applyAt(array[index]!, change, at + 1))
}

function isChangeType(type: string): type is Change['type'] {
  return type === 'create' || type === 'update' || type === 'delete'
}

/** Looks up a field case-insensitively; the exact spelling `Type` takes precedence. */
function fieldOf(object: ValueObject, name: string): Value {
  const spelled = name[0]!.toUpperCase() + name.slice(1)
  if (Object.hasOwn(object, spelled)) return object[spelled]!
  const key = Object.keys(object).find(candidate => candidate.toLowerCase() === name)
  return key === undefined ? null : object[key]!
}

function readPath(value: Value, place: string): readonly string[] {
  const path = Opaque.contentOf(value)
  if (path === null) return []
  if (!isArray(path)) throw decodingError(`'${place}': source data must be an array or slice, got ${kindOf(path)}`)
  return path.map((segment, at) => readText(segment, `${place}[${at}]`))
}

function readText(value: Value, place: string): string {
  if (value === null) return ''
  if (typeof value === 'string') return value
  if (typeof value === 'number' || value instanceof JsonNumber) return numberText(value)
  throw decodingError(
    `'${place}' expected type 'string', got unconvertible type '${goTypeName(value)}', value: '${toPlainText(value)}'`,
  )
}

function decodingError(problem: string): MappingError {
  return new MappingError(`1 error(s) decoding:\n\n* ${problem}`)
}
