import { describe } from '../../runtime/errors.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'catch',
  categories: ['General'],
  status: 'stable',
  description:
    'Returns the argument if the target fails. The argument may be a query, in which `this` is the error message.',
  params: [{ name: 'fallback', type: 'query', description: 'The replacement value.' }],
  examples: [
    ['root.id = this.id.number().catch(0)', '{"id":"x"}', '{"id":0}'],
    ['root.why = this.id.not_null().catch(err -> err)', '{}', '{"why":"field `this.id`: value is null"}'],
    ['root = this.catch(deleted())', 'not a document', 'deleted'],
  ],
  create: () => target => target,
  lazyTarget(target, [fallback]) {
    try {
      return target()
    } catch (error) {
      return fallback(describe(error))
    }
  },
})
