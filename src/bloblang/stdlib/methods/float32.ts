import { toFloat32 } from '../../data/coerce.ts'
import { shortestFloat32 } from '../../data/narrow.ts'
import { NarrowFloat } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'float32',
  categories: ['Number Manipulation'],
  status: 'stable',
  description:
    'Converts a number, or a string that contains one, to a 32-bit float, which has about seven significant digits.',
  params: [],
  bareErrors: true,
  examples: [['root.out = this.in.float32()', '{"in":"6.674282313423543523453425345e-11"}', '{"out":6.674283e-11}']],
  create() {
    return target => new NarrowFloat(shortestFloat32(toFloat32(target)))
  },
})
