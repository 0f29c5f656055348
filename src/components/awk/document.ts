import { getOwn, isObject, type Value, type ValueObject, isArray } from '../../bloblang/index.ts'

/** Splits a dot-separated path; `~1` stands for a dot and `~0` for a tilde. */
export function partsOf(path: string): readonly string[] {
  return path === '' ? [] : path.split('.').map(part => part.replaceAll('~1', '.').replaceAll('~0', '~'))
}

/** The value at a path; a star matches all elements of an array. Undefined if there is none. */
export function valueAt(document: Value, [part, ...rest]: readonly string[]): Value | undefined {
  if (part === undefined) return document
  if (isArray(document)) {
    if (part === '*') return document.map(item => valueAt(item, rest)).filter(item => item !== undefined)
    const child = /^\d+$/.test(part) ? document[Number(part)] : undefined
    return child === undefined ? undefined : valueAt(child, rest)
  }
  if (!isObject(document) || !Object.hasOwn(document, part)) return undefined
  return valueAt(getOwn(document, part), rest)
}

/**
 * A copy of the document with another value at a path; the document itself if a value of another type is in the way.
 */
export function withValueAt(document: Value, [part, ...rest]: readonly string[], value: Value): Value {
  if (part === undefined) return value
  if (isArray(document)) return withElement(document, part, rest, value)
  if (document !== null && !isObject(document)) return document
  const fields: ValueObject = document ?? {}
  return withField(fields, part, withValueAt(getOwn(fields, part), rest, value))
}

function withElement(list: readonly Value[], part: string, rest: readonly string[], value: Value): Value {
  if (part === '-') return [...list, withValueAt(null, rest, value)]
  const index = /^\d+$/.test(part) ? Number(part) : list.length
  return index < list.length ? list.with(index, withValueAt(list[index]!, rest, value)) : list
}

/**
 * A copy of the document with an element appended to the array at a path; another value there becomes the first
 * element.
 */
export function withAppended(document: Value, path: readonly string[], value: Value): Value {
  const current = valueAt(document, path)
  const list: readonly Value[] = Array.isArray(current) ? current : current === undefined ? [] : [current]
  return withValueAt(document, path, [...list, value])
}

/** A copy of the document without the value at a path. */
export function withoutValueAt(document: Value, path: readonly string[]): Value {
  const parent = valueAt(document, path.slice(0, -1))
  const part = path.at(-1)
  if (part === undefined || parent === undefined) return document
  if (isArray(parent)) {
    const index = /^\d+$/.test(part) ? Number(part) : parent.length
    return withValueAt(document, path.slice(0, -1), parent.toSpliced(index, 1))
  }
  if (!isObject(parent) || !Object.hasOwn(parent, part)) return document
  const { [part]: _, ...rest } = parent
  return withValueAt(document, path.slice(0, -1), rest)
}

function withField(object: ValueObject, key: string, value: Value): ValueObject {
  const copy: Record<string, Value> = { ...object }
  Object.defineProperty(copy, key, { value, enumerable: true, configurable: true, writable: true })
  return copy
}
