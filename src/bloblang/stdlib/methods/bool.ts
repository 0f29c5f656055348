import { toBool } from '../../data/coerce.ts'
import { withDefault } from '../../data/errors.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'bool',
  categories: ['Type Coercion'],
  status: 'stable',
  description:
    'Converts a value to a boolean. A number is `true` unless it is zero; the strings `1 t T TRUE true True` are true and `0 f F FALSE false False` are false. Any other value is an error, or returns the argument if there is one.',
  params: [
    {
      name: 'default',
      type: 'bool',
      optional: true,
      description: 'The result if the value cannot be converted or the target fails.',
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
