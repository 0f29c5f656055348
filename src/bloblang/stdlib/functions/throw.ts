import { MappingError } from '../../errors.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'throw',
  categories: ['General'],
  status: 'stable',
  description: 'Fails the mapping with a custom error, unless the error is caught.',
  params: [{ name: 'why', type: 'string', description: 'The error message.' }],
  examples: [
    [
      'root.kind = if this.exists("id") { "known" } else { throw("no id") }',
      '{}',
      { error: 'failed assignment (line 1): no id' },
    ],
  ],
  create([why]) {
    return () => {
      throw new MappingError(why, 'open')
    }
  },
})
