import { cos } from '../../data/go-math.ts'
import { getNumber } from '../../data/coerce.ts'
import { Float } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'cos',
  categories: ['Number Manipulation'],
  status: 'stable',
  description: 'Returns the cosine of an angle in radians.',
  params: [],
  bareErrors: true,
  examples: [['root.n = (this.n * (pi() / 180)).cos()', '{"n":180}', '{"n":-1}']],
  create() {
    return target => new Float(cos(getNumber(target)))
  },
})
