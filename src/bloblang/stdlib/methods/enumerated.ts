import { expectArray } from '../../data/coerce.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'enumerated',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description: 'Pairs each element of an array with its index, as objects with the fields `index` and `value`.',
  params: [],
  examples: [
    [
      'root.foo = this.foo.enumerated()',
      '{"foo":["a","b"]}',
      '{"foo":[{"index":0,"value":"a"},{"index":1,"value":"b"}]}',
    ],
  ],
  create() {
    return target => expectArray(target).map((value, index) => ({ index: BigInt(index), value }))
  },
})
