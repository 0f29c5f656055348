import { roundWith } from '../../data/rounding.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'ceil',
  categories: ['Number Manipulation'],
  status: 'stable',
  description:
    'Rounds a number up to the next whole number. The result is an integer if it fits into 64 bits, otherwise a float.',
  params: [],
  examples: [
    ['root.n = this.n.ceil()', '{"n":5.3}', '{"n":6}'],
    ['root.n = this.n.ceil()', '{"n":-5.9}', '{"n":-5}'],
  ],
  create() {
    return target => roundWith(Math.ceil, target)
  },
})
