import { toFloat64 } from '../../data/coerce.ts'
import { withDefault } from '../../data/errors.ts'
import { Float } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'number',
  categories: ['Type Coercion'],
  status: 'stable',
  description:
    'Converts a number or a string to a 64-bit float. Integers beyond 2^53 lose digits: use `int64` for them. Any other value is an error, or returns the argument if there is one.',
  params: [
    {
      name: 'default',
      type: 'float',
      optional: true,
      description: 'The result if the value cannot be converted or the target fails.',
    },
  ],
  examples: [
    ['root.n = this.n.number() + 10', '{"n":"5.5"}', '{"n":15.5}'],
    ['root.n = this.n.number(5) * 10', '{"n":"none"}', '{"n":50}'],
  ],
  create() {
    return target => new Float(toFloat64(target))
  },
  lazyTarget(target, [fallback]) {
    if (fallback === undefined) return new Float(toFloat64(target()))
    return withDefault(() => new Float(toFloat64(target())), new Float(fallback))
  },
})
