import { expectObject } from '../../data/coerce.ts'
import { sortedKeys } from '../../data/text-order.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'values',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description: 'Returns the values of an object as an array, sorted by key.',
  params: [],
  examples: [['root.values = this.foo.values()', '{"foo":{"b":1,"a":2}}', '{"values":[2,1]}']],
  create() {
    return target => {
      const object = expectObject(target)
      return sortedKeys(object).map(key => object[key]!)
    }
  },
})
