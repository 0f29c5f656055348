import { isArray } from '../data/coerce.ts'
import { MappingError } from '../errors.ts'
import { deletePath, elementIndex, searchPath, withoutField } from '../data/objects.ts'
import { dotPath } from '../syntax/annotation.ts'
import { DELETED, NOTHING, type Value, typeOf, isObject, setOwn } from '../value.ts'

/**
 * Sets a value at a path of the document under construction, and returns the document. Documents are shared freely, so
 * containers on the path are copied, except for the first `owned` levels, which the mapping has created and not shared.
 */
export function assign(root: Value, path: readonly string[], value: Value, owned: number): Value {
  const base = root === NOTHING || root === null ? {} : root
  if (value === DELETED) return remove(base, path)
  if (path.length === 1 && isObject(base)) {
    const copy = owned > 0 ? base : { ...base }
    setOwn(copy, path[0]!, value)
    return copy
  }
  if (isArray(base) && path[0] === '-') {
    return setAt([...base, {}], path.with(0, String(base.length)), 0, value, 0, base)
  }
  return setAt(base, path, 0, value, owned, base)
}

/** A document of the values at paths that do not overlap; `deleted()` and `nothing()` omit theirs. */
export function gather(paths: readonly (readonly string[])[], values: readonly Value[]): Value {
  let root: Value = NOTHING
  for (const [at, value] of values.entries()) {
    const path = paths[at]!
    if (value !== NOTHING) root = assign(root, path, value, path.length)
  }
  return root
}

function setAt(node: Value, path: readonly string[], depth: number, value: Value, owned: number, root: Value): Value {
  const segment = path[depth]!
  const last = depth === path.length - 1
  if (isObject(node)) {
    const copy = depth < owned ? node : { ...node }
    if (last) setOwn(copy, segment, value)
    else {
      const child = Object.hasOwn(node, segment) ? node[segment]! : null
      setOwn(copy, segment, setAt(child ?? {}, path, depth + 1, value, owned, root))
    }
    return copy
  }
  if (!isArray(node)) throw collision(root, path)
  const elements = node
  if (segment === '-') {
    const appended = last ? value : setAt({}, path, depth + 1, value, 0, root)
    return [...elements, appended]
  }
  const index = elementIndex(elements.length, segment, depth)
  if (typeof index === 'string') throw unable(path, index)
  const child = elements[index]!
  if (last) return elements.with(index, value)
  if (child === null) throw unable(path, `failed to resolve path segment '${depth}': field '${segment}' was not found`)
  return elements.with(index, setAt(child, path, depth + 1, value, owned, root))
}

function unable(path: readonly string[], cause: string): MappingError {
  return new MappingError(`unable to set target path ${dotPath(path)}: ${cause}`)
}

/** A value on the path is neither an object nor an array; the error names the first one from the root. */
function collision(root: Value, path: readonly string[]): MappingError {
  const target = `unable to set target path ${dotPath(path)} as the value of`
  if (!isObject(root)) return new MappingError(`${target} the root was a non-object type (${typeOf(root)})`)
  let node: Value = root
  for (const [depth, segment] of path.entries()) {
    node = searchPath(node, [segment]) ?? null
    if (isObject(node)) continue
    return new MappingError(`${target} ${dotPath(path.slice(0, depth + 1))} was a non-object type (${typeOf(node)})`)
  }
  return new MappingError(`${target} ${dotPath(path)} was a non-object type (object)`)
}

/** Removes the value at a path; does nothing if there is none. */
function remove(root: Value, path: readonly string[]): Value {
  if (path.length === 1 && isObject(root)) {
    if (!Object.hasOwn(root, path[0]!)) return root
    return withoutField(root, path[0]!)
  }
  try {
    return deletePath(root, path)
  } catch (error) {
    if (error instanceof MappingError) return root
    throw error
  }
}
