import { NOTHING } from '../../value.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'nothing',
  categories: [''],
  status: 'hidden',
  description: 'Returns no value, so that the assignment is skipped.',
  params: [],
  examples: [['root.a = 1\nroot.b = nothing()', '{}', '{"a":1}']],
  create: () => () => NOTHING,
})
