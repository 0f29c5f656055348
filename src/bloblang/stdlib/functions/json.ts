import { searchPath, splitPath } from '../../data/objects.ts'
import { defineFunction } from '../spec.ts'
import { sanitize } from '../../data/coerce.ts'

export default defineFunction({
  name: 'json',
  categories: ['Message Info'],
  status: 'stable',
  description:
    'A field of the document of the message, or all of it, whatever `this` is where the function is called. With `.from(n)` it reads another message of the batch.',
  params: [
    {
      name: 'path',
      type: 'string',
      description: 'The dot path of the field; all of the document without it.',
      default: '',
    },
  ],
  examples: [
    ['root.mapped = json("foo.bar")', '{"foo":{"bar":"hello"}}', '{"mapped":"hello"}'],
    ['root.doc = json()', '{"foo":1}', '{"doc":{"foo":1}}'],
  ],
  readsDocument: ([path]) => segmentsOf(path),
  create([path]) {
    const segments = segmentsOf(path)
    return call => sanitize(searchPath(call.messageDocument(), segments) ?? null)
  },
})

function segmentsOf(path: string): readonly string[] {
  return path === '' ? [] : splitPath(path)
}
