import { getOwn, isObject, type Value, isArray } from '../../bloblang/index.ts'

/**
 * The value at a path of a document, with parts separated by dots, `~1` for a dot and `~0` for a tilde. The result is
 * an array for `*`, which matches every element or member, and where the path crosses an array without an index; it is
 * undefined where nothing is found.
 */
export function valueAtPath(document: Value, path: string): Value | undefined {
  return valueAt(
    document,
    path.split('.').map(part => part.replaceAll('~1', '.').replaceAll('~0', '~')),
  )
}

/** The values at a path, with arrays flattened. */
export function valuesAt(document: Value, path: string): readonly Value[] {
  const found = valueAtPath(document, path)
  return found === undefined ? [] : flattened(found)
}

function valueAt(current: Value, parts: readonly string[]): Value | undefined {
  const [part, ...rest] = parts
  if (part === undefined) return current
  if (isArray(current)) {
    const elements = current
    if (!/^\d+$/.test(part)) return valuesOf(elements, part === '*' ? rest : parts)
    const element = elements[Number(part)]
    return element === undefined ? undefined : valueAt(element, rest)
  }
  if (!isObject(current)) return undefined
  if (part === '*') return valuesOf(Object.values(current), rest)
  const member = getOwn(current, part)
  return member === undefined ? undefined : valueAt(member, rest)
}

function valuesOf(members: readonly Value[], parts: readonly string[]): readonly Value[] {
  return members.map(member => valueAt(member, parts)).filter(value => value !== undefined)
}

function flattened(value: Value): readonly Value[] {
  return isArray(value) ? value.flatMap(flattened) : [value]
}
