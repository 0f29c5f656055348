import { searchPath, splitPath } from '../../data/objects.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'exists',
  categories: ['General'],
  status: 'stable',
  description: 'Returns whether a field exists at a dot path, even if it is `null`.',
  params: [{ name: 'path', type: 'string', description: 'The dot path of the field.' }],
  examples: [
    ['root.result = this.foo.exists("bar.baz")', '{"foo":{"bar":{"baz":null}}}', '{"result":true}'],
    ['root.result = this.foo.exists("bar.baz")', '{"foo":{"bar":{}}}', '{"result":false}'],
  ],
  create([path]) {
    const segments = splitPath(path)
    return target => searchPath(target, segments) !== undefined
  },
})
