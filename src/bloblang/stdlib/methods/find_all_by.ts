import { expectArray } from '../../data/coerce.ts'
import { matchesQuery } from '../../data/iterate.ts'
import { NarrowInteger } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'find_all_by',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description: 'Returns the indexes of all elements of an array for which a query yields `true`.',
  params: [{ name: 'query', type: 'query', description: 'The query to evaluate for each element.' }],
  examples: [['root.at = this.find_all_by(v -> v != "bar")', '["foo","bar","baz"]', '{"at":[0,2]}']],
  create([query]) {
    return target =>
      expectArray(target).flatMap((element, at) =>
        matchesQuery(query, element, at) ? [new NarrowInteger(BigInt(at), 'int')] : [],
      )
  },
})
