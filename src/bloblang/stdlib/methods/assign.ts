import { isObject } from '../../value.ts'
import { WrongTypeError } from '../../errors.ts'
import { isArray } from '../../data/coerce.ts'
import { asStored } from '../../data/empty-literals.ts'
import { mergeObjects } from '../../data/objects.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'assign',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description:
    'Merges an object into the target, recursively, field by field. Where both have a value, the argument wins; use `merge` to keep both. To an array, the argument or its elements are appended.',
  params: [{ name: 'with', type: 'unknown', description: 'The value to merge into the target.' }],
  bareErrors: 'messages',
  examples: [
    [
      'root = this.old.assign(this.new)',
      '{"old":{"a":1,"in":{"x":1}},"new":{"a":2,"in":{"y":2}}}',
      '{"a":2,"in":{"x":1,"y":2}}',
    ],
  ],
  create([source]) {
    const from = asStored(source)
    return target => {
      if (isArray(target)) return isArray(from) ? [...target, ...from] : [...target, from]
      if (!isObject(target)) throw new WrongTypeError(['object', 'array'], target)
      return isObject(from) ? mergeObjects(target, from, (_, added) => added) : target
    }
  },
})
