import { toBool } from '../../data/coerce.ts'
import { withDefault } from '../../data/errors.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'bool',
  categories: ['Type Coercion'],
  status: 'stable',
  description:
    'Turns a value into a boolean. A number is `true` unless it is zero; of texts, `1 t T TRUE true True` are true and `0 f F FALSE false False` are false. Anything else is an error, or yields the argument.',
  params: [
    {
      name: 'default',
      type: 'bool',
      optional: true,
      description: 'What to return when there is no such value, or the target fails.',
    },
  ],
  examples: [
    ['root.on = this.flag.bool()', '{"flag":"T"}', '{"on":true}'],
    ['root.on = this.flag.bool(false)', '{"flag":"maybe"}', '{"on":false}'],
  ],
  create() {
    return toBool
  },
  lazyTarget(target, [fallback]) {
    if (fallback === undefined) return toBool(target())
    return withDefault(() => toBool(target()), fallback)
  },
})
