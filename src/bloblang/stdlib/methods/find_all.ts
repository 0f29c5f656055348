import { expectArray } from '../../data/coerce.ts'
import { equals } from '../../data/equality.ts'
import { NarrowInteger } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'find_all',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description: 'Returns the indexes of all elements of an array that equal the argument.',
  params: [{ name: 'value', type: 'unknown', description: 'The value to look for.' }],
  examples: [['root.at = this.find_all("bar")', '["foo","bar","baz","bar"]', '{"at":[1,3]}']],
  create([value]) {
    return target =>
      expectArray(target).flatMap((element, at) =>
        equals(value, element) ? [new NarrowInteger(BigInt(at), 'int')] : [],
      )
  },
})
