import { numbersOf } from '../../data/iterate.ts'
import { Float } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'max',
  categories: ['Number Manipulation'],
  status: 'stable',
  description:
    'Returns the largest number of an array, as a float. An empty array, or an element that is not a number, is an error.',
  params: [],
  examples: [['root.n = this.values.max()', '{"values":[0,3,-2.5,7,5]}', '{"n":7}']],
  create() {
    return target => new Float(numbersOf(target).reduce((best, number) => (number > best ? number : best)))
  },
})
