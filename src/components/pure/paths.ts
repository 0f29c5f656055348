import { getOwn, isObject, type Value, isArray } from '../../bloblang/index.ts'

/** Splits a path such as `a.b.c` into parts; `~1` stands for a dot and `~0` for a tilde. An empty path has no parts. */
export function pathParts(path: string): readonly string[] {
  return path === '' ? [] : path.split('.').map(part => part.replaceAll('~1', '.').replaceAll('~0', '~'))
}

/** The value at a path within objects and arrays; undefined if there is none. */
export function valueAt(document: Value, path: readonly string[]): Value | undefined {
  let current: Value | undefined = document
  for (const part of path) {
    if (current === undefined) return undefined
    if (isArray(current)) current = current[Number(part)]
    else if (isObject(current)) current = getOwn(current, part)
    else return undefined
  }
  return current
}

/**
 * A copy of the document with another value at a path, creating objects as needed; the document itself if a value of
 * another type is in the way.
 */
export function withValueAt(document: Value, path: readonly string[], value: Value): Value {
  const [part, ...rest] = path
  if (part === undefined) return value
  const current = document === null ? {} : document
  if (!isObject(current)) return document
  const child = getOwn(current, part) ?? null
  const next = withValueAt(child, rest, value)
  if (next === child && rest.length > 0) return document
  return { ...current, [part]: next }
}
