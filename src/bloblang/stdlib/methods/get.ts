import { searchPath, splitPath } from '../../data/objects.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'get',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description: 'Returns the field at a dot path, which may be computed; `null` if it does not exist.',
  params: [{ name: 'path', type: 'string', description: 'The dot path of the field.' }],
  examples: [
    ['root.got = this.foo.get(this.want)', '{"foo":{"bar":{"baz":1}},"want":"bar.baz"}', '{"got":1}'],
    ['root.got = this.foo.get(this.want)', '{"foo":{},"want":"bar"}', '{"got":null}'],
  ],
  create([path]) {
    const segments = splitPath(path)
    return target => searchPath(target, segments) ?? null
  },
})
