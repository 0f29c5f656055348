import { roundWith } from '../../data/rounding.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'floor',
  categories: ['Number Manipulation'],
  status: 'stable',
  description:
    'Rounds a number down to the next whole number. The result is an integer if it fits into 64 bits, otherwise a float.',
  params: [],
  examples: [
    ['root.n = this.n.floor()', '{"n":5.7}', '{"n":5}'],
    ['root.n = this.n.floor()', '{"n":-5.1}', '{"n":-6}'],
  ],
  create() {
    return target => roundWith(Math.floor, target)
  },
})
