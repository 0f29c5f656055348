import { defineMethod } from '../spec.ts'
import { isNull } from '../../value.ts'
import { describe } from '../../runtime/errors.ts'
import type { Value } from '../../value.ts'

export default defineMethod({
  name: 'or',
  categories: ['General'],
  status: 'stable',
  description: 'Returns the argument if the target fails or is `null`, like the operator `|`.',
  params: [{ name: 'fallback', type: 'query', description: 'The replacement value.' }],
  examples: [['root.id = this.id.or("none")', '{}', '{"id":"none"}']],
  create: () => target => target,
  lazyTarget(target, [fallback], call) {
    let value: Value = null
    try {
      value = target()
    } catch (error) {
      describe(error)
    }
    return isNull(value) ? fallback(call.context ?? null) : value
  },
})
