import { log10 } from '../../data/go-math.ts'
import { numberOf } from '../../data/rounding.ts'
import { Float } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'log10',
  categories: ['Number Manipulation'],
  status: 'stable',
  description: 'Returns the base-10 logarithm of a number.',
  params: [],
  examples: [['root.n = this.n.log10()', '{"n":1000}', '{"n":3}']],
  create() {
    return target => new Float(log10(numberOf(target)))
  },
})
