import { toFloat64 } from '../../data/coerce.ts'
import { Float } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'float64',
  categories: ['Number Manipulation'],
  status: 'stable',
  description: 'Converts a number, or a string that contains one, to a 64-bit float.',
  params: [],
  bareErrors: true,
  examples: [
    ['root.out = this.in.float64()', '{"in":"6.674282313423543523453425345e-11"}', '{"out":6.674282313423544e-11}'],
  ],
  create() {
    return target => new Float(toFloat64(target))
  },
})
