import { expectArray } from '../../data/coerce.ts'
import { testElement } from '../../data/iterate.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'all',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description:
    'Returns `true` if a query yields `true` for every element of an array; `false` for an empty array. Stops at the first `false`. A query that yields anything but a boolean is an error.',
  params: [{ name: 'test', type: 'query', description: 'The query to evaluate for each element.' }],
  examples: [
    ['root.adults = this.ages.all(age -> age >= 18)', '{"ages":[18,40,21]}', '{"adults":true}'],
    ['root.adults = this.ages.all(age -> age >= 18)', '{"ages":[18,17]}', '{"adults":false}'],
    ['root.adults = this.ages.all(age -> age >= 18)', '{"ages":[]}', '{"adults":false}'],
  ],
  create([test]) {
    return target => {
      const elements = expectArray(target)
      return elements.length > 0 && elements.every((element, at) => testElement(test, element, () => `element ${at}`))
    }
  },
})
