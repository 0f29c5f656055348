import { toFloat64 } from '../../data/coerce.ts'
import { withDefault } from '../../data/errors.ts'
import { Float } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'number',
  categories: ['Type Coercion'],
  status: 'stable',
  description:
    'Turns a value into a 64-bit float; a text is parsed. Whole numbers beyond 2^53 lose digits: use `int64` for them. Anything else is an error, or yields the argument.',
  params: [
    {
      name: 'default',
      type: 'float',
      optional: true,
      description: 'What to return when there is no number, or the target fails.',
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
