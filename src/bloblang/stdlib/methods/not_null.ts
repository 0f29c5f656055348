import { MappingError } from '../../errors.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'not_null',
  categories: ['Type Coercion'],
  status: 'stable',
  description: 'Returns the value unchanged; fails if it is `null`.',
  params: [],
  examples: [
    ['root.a = this.a.not_null()', '{"a":0}', '{"a":0}'],
    ['root.a = this.a.not_null()', '{}', { error: 'failed assignment (line 1): field `this.a`: value is null' }],
  ],
  create() {
    return target => {
      if (target === null) throw new MappingError('value is null')
      return target
    }
  },
})
