import { expectArray } from '../../data/coerce.ts'
import { matchesQuery } from '../../data/iterate.ts'
import { NarrowInteger } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'find_by',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description: 'Returns the index of the first element of an array for which a query yields `true`, or `-1`.',
  params: [{ name: 'query', type: 'query', description: 'The query to evaluate for each element.' }],
  examples: [['root.at = this.find_by(v -> v != "foo")', '["foo","bar","baz"]', '{"at":1}']],
  create([query]) {
    return target =>
      new NarrowInteger(BigInt(expectArray(target).findIndex((element, at) => matchesQuery(query, element, at))), 'int')
  },
})
