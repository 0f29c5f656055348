import { expectArray } from '../../data/coerce.ts'
import { equals } from '../../data/equality.ts'
import { NarrowInteger } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'find',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description:
    'Returns the index of the first element of an array that equals the argument, or `-1`. Numbers are compared by value, whatever their type.',
  params: [{ name: 'value', type: 'unknown', description: 'The value to look for.' }],
  examples: [
    ['root.at = this.find("bar")', '["foo","bar","bar"]', '{"at":1}'],
    ['root.at = this.find("buz")', '["foo","bar"]', '{"at":-1}'],
  ],
  create([value]) {
    return target => new NarrowInteger(BigInt(expectArray(target).findIndex(element => equals(value, element))), 'int')
  },
})
