import { roundHalfAway, roundWith } from '../../data/rounding.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'round',
  categories: ['Number Manipulation'],
  status: 'stable',
  description:
    'Rounds a number to the nearest whole number, halves away from zero. The result is an integer if it fits into 64 bits, otherwise a float.',
  params: [],
  examples: [
    ['root.n = this.n.round()', '{"n":5.5}', '{"n":6}'],
    ['root.n = this.n.round()', '{"n":-5.5}', '{"n":-6}'],
  ],
  create() {
    return target => roundWith(roundHalfAway, target)
  },
})
