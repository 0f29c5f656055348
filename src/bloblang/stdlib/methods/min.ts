import { numbersOf } from '../../data/iterate.ts'
import { Float } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'min',
  categories: ['Number Manipulation'],
  status: 'stable',
  description:
    'Returns the smallest number of an array, as a float. An empty array, or an element that is not a number, is an error.',
  params: [],
  examples: [['root.n = this.values.min()', '{"values":[0,3,-2.5,7,5]}', '{"n":-2.5}']],
  create() {
    return target => new Float(numbersOf(target).reduce((best, number) => (number < best ? number : best)))
  },
})
