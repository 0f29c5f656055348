import { expectArray } from '../../data/coerce.ts'
import { testElement } from '../../data/iterate.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'any',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description:
    'Returns `true` if a query yields `true` for at least one element of an array; `false` for an empty array. A query that yields anything but a boolean is an error.',
  params: [{ name: 'test', type: 'query', description: 'The query to evaluate for each element.' }],
  examples: [
    ['root.minors = this.ages.any(age -> age < 18)', '{"ages":[18,40,17]}', '{"minors":true}'],
    ['root.minors = this.ages.any(age -> age < 18)', '{"ages":[18]}', '{"minors":false}'],
  ],
  create([test]) {
    return target => expectArray(target).some((element, at) => testElement(test, element, () => `element ${at}`))
  },
})
