import { expectObject } from '../../data/coerce.ts'
import { sortedKeys } from '../../data/text-order.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'key_values',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description: 'Returns the fields of an object as an array of objects with `key` and `value`, sorted by key.',
  params: [],
  examples: [
    [
      'root.pairs = this.foo.key_values()',
      '{"foo":{"b":1,"a":2}}',
      '{"pairs":[{"key":"a","value":2},{"key":"b","value":1}]}',
    ],
  ],
  create() {
    return target => {
      const object = expectObject(target)
      return sortedKeys(object).map(key => ({ key, value: object[key]! }))
    }
  },
})
