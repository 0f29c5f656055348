import { MappingError } from '../../errors.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'throw',
  categories: ['General'],
  status: 'stable',
  description: 'Fails the mapping, or the part of it that something catches, with a text of your own.',
  params: [{ name: 'why', type: 'string', description: 'The text of the error.' }],
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
