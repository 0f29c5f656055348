import { getOwn, isObject, type Value, isArray } from '../../bloblang/index.ts'

/** The parts of a path such as `a.b.c`; `~1` stands for a dot and `~0` for a tilde. An empty path has none. */
export function pathParts(path: string): readonly string[] {
  return path === '' ? [] : path.split('.').map(part => part.replaceAll('~1', '.').replaceAll('~0', '~'))
}

/** What is at a path inside of objects and lists; undefined where nothing does. */
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

/** The document with another value at a path, where objects are made as needed; the same document where something else is in the way. */
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
