import { searchPath, splitPath } from '../../data/objects.ts'
import { defineFunction } from '../spec.ts'
import { sanitize } from '../../data/coerce.ts'

export default defineFunction({
  name: 'json',
  categories: ['Message Info'],
  status: 'stable',
  description:
    'Returns a field of the document of the message, or the whole document, whatever `this` refers to. With `.from(n)` it reads another message of the batch.',
  params: [
    {
      name: 'path',
      type: 'string',
      description: 'The dot path of the field; if omitted, the whole document.',
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
