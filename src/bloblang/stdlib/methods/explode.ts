import { MappingError } from '../../errors.ts'
import { expectObject, isArray } from '../../data/coerce.ts'
import { searchPath, setPath, splitPath, withoutPaths } from '../../data/objects.ts'
import { typeOf, isObject, setOwn } from '../../value.ts'
import { defineMethod, type Value } from '../spec.ts'

export default defineMethod({
  name: 'explode',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description:
    'Returns one copy of the document for each element of an array in it, with the array replaced by the element. If the path holds an object, the result is an object of such copies under the same keys.',
  params: [{ name: 'path', type: 'string', description: 'The dot path of the array or object.' }],
  examples: [
    ['root = this.explode("tags")', '{"id":1,"tags":["a","b"]}', '[{"id":1,"tags":"a"},{"id":1,"tags":"b"}]'],
    ['root = this.explode("by")', '{"id":1,"by":{"x":2,"y":3}}', '{"x":{"by":2,"id":1},"y":{"by":3,"id":1}}'],
  ],
  create([pathText]) {
    const path = splitPath(pathText)
    return target => {
      const root = expectObject(target)
      const exploded = searchPath(root, path) ?? null
      const rest = withoutPaths(root, [path])
      if (isArray(exploded)) return exploded.map(element => place(rest, path, element))
      if (!isObject(exploded)) {
        throw new MappingError(`expected array or object value at path '${pathText}', found: ${typeOf(exploded)}`)
      }
      const copies: Record<string, Value> = {}
      for (const key of Object.keys(exploded)) setOwn(copies, key, place(rest, path, exploded[key]!))
      return copies
    }
  },
})

/** If the value cannot be set (a wildcard in the path), the rest is unchanged. */
function place(rest: Value, path: readonly string[], value: Value): Value {
  try {
    return setPath(rest, path, value)
  } catch (error) {
    if (error instanceof MappingError) return rest
    throw error
  }
}
