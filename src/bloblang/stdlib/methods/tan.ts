import { tan } from '../../data/go-math.ts'
import { getNumber } from '../../data/coerce.ts'
import { Float } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'tan',
  categories: ['Number Manipulation'],
  status: 'stable',
  description: 'Returns the tangent of an angle in radians.',
  params: [],
  bareErrors: true,
  examples: [['root.n = this.n.tan()', '{"n":0}', '{"n":0}']],
  create() {
    return target => new Float(tan(getNumber(target)))
  },
})
