import { getNumber } from '../../data/coerce.ts'
import { pow } from '../../data/go-math.ts'
import { Float } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'pow',
  categories: ['Number Manipulation'],
  status: 'stable',
  description: 'Raises a number to a power.',
  params: [{ name: 'exponent', type: 'float', description: 'The exponent.' }],
  bareErrors: true,
  examples: [['root.n = this.n.pow(-2)', '{"n":2}', '{"n":0.25}']],
  create([exponent]) {
    return target => new Float(pow(getNumber(target), exponent))
  },
})
