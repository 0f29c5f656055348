import { isArray } from '../../data/coerce.ts'
import { toText } from '../../data/to-text.ts'
import { WrongTypeError } from '../../errors.ts'
import { utf8Bytes } from '../../text/bytes.ts'
import { isObject } from '../../value.ts'
import { equals } from '../../data/equality.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'contains',
  categories: ['String Manipulation', 'Object & Array Manipulation'],
  status: 'stable',
  description:
    'Returns whether a string contains another string, or an array or object contains a value. Numbers are compared by value, whatever their type.',
  params: [{ name: 'value', type: 'unknown', description: 'The value to look for.' }],
  examples: [
    ['root.has_foo = this.thing.contains("foo")', '{"thing":"this foo that"}', '{"has_foo":true}'],
    ['root.has_bar = this.thing.contains(20)', '{"thing":[10.3,20.0,"huh",3]}', '{"has_bar":true}'],
  ],
  create: ([wanted]) => {
    const value = wanted
    const text = toText(value)
    return target => {
      if (typeof target === 'string') return target.includes(text)
      if (target instanceof Uint8Array) return Buffer.from(target).includes(utf8Bytes(text))
      if (isArray(target)) return target.some(element => equals(value, element))
      if (isObject(target)) return Object.values(target).some(field => equals(value, field))
      throw new WrongTypeError(['string', 'array', 'object'], target)
    }
  },
})
