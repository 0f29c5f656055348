import { deletePath, setPath, splitPath } from '../../data/objects.ts'
import { DELETED } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'set',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description:
    'Returns the document with a value set at a dot path. Missing objects along the path are created; in an array, a number replaces an element and `-` appends one. `deleted()` removes the field.',
  params: [
    { name: 'path', type: 'string', description: 'The dot path of the field.' },
    { name: 'value', type: 'unknown', description: 'The value to set, or `deleted()`.' },
  ],
  bareErrors: true,
  examples: [
    ['root = this.set("a.b", 1)', '{"c":2}', '{"a":{"b":1},"c":2}'],
    ['root = this.set("c", deleted())', '{"a":1,"c":2}', '{"a":1}'],
    ['root = this.set("a.0", "x")', '{"a":["y","z"]}', '{"a":["x","z"]}'],
  ],
  create([path, value]) {
    const segments = splitPath(path)
    return target => (value === DELETED ? deletePath(target, segments) : setPath(target, segments, value))
  },
})
