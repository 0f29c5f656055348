import { WrongTypeError } from '../../errors.ts'
import { utf8Length } from '../../text/bytes.ts'
import { isObject } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'length',
  categories: ['String Manipulation', 'Object & Array Manipulation'],
  status: 'stable',
  description: 'Returns the length of a string in bytes, of an array in elements, or of an object in fields.',
  params: [],
  examples: [
    ['root.foo_len = this.foo.length()', '{"foo":"hello wörld"}', '{"foo_len":12}'],
    ['root.foo_len = this.foo.length()', '{"foo":["first","second"]}', '{"foo_len":2}'],
    ['root.foo_len = this.foo.length()', '{"foo":{"first":"bar"}}', '{"foo_len":1}'],
  ],
  create: () => target => {
    if (typeof target === 'string') return BigInt(utf8Length(target))
    if (target instanceof Uint8Array || Array.isArray(target)) return BigInt(target.length)
    if (isObject(target)) return BigInt(Object.keys(target).length)
    throw new WrongTypeError(['string', 'array', 'object'], target)
  },
})
