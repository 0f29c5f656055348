import { log } from '../../data/go-math.ts'
import { numberOf } from '../../data/rounding.ts'
import { Float } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'log',
  categories: ['Number Manipulation'],
  status: 'stable',
  description: 'Returns the natural logarithm of a number.',
  params: [],
  examples: [['root.n = this.n.log().round()', '{"n":2.7183}', '{"n":1}']],
  create() {
    return target => new Float(log(numberOf(target)))
  },
})
