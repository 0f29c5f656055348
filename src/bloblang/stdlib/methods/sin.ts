import { sin } from '../../data/go-math.ts'
import { getNumber } from '../../data/coerce.ts'
import { Float } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'sin',
  categories: ['Number Manipulation'],
  status: 'stable',
  description: 'Returns the sine of an angle in radians.',
  params: [],
  bareErrors: true,
  examples: [['root.n = (this.n * (pi() / 180)).sin()', '{"n":45}', '{"n":0.7071067811865475}']],
  create() {
    return target => new Float(sin(getNumber(target)))
  },
})
