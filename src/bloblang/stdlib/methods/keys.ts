import { expectObject } from '../../data/coerce.ts'
import { sortedKeys } from '../../data/text-order.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'keys',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description: 'Returns the keys of an object as a sorted array.',
  params: [],
  examples: [['root.keys = this.foo.keys()', '{"foo":{"b":1,"a":2}}', '{"keys":["a","b"]}']],
  create() {
    return target => sortedKeys(expectObject(target))
  },
})
