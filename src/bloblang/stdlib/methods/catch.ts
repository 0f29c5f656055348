import { describe } from '../../runtime/errors.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'catch',
  categories: ['General'],
  status: 'stable',
  description:
    'Yields the argument where what it is called on fails. The argument may be a query: its `this` is the text of the error.',
  params: [{ name: 'fallback', type: 'query', description: 'What to yield instead.' }],
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
