import { NOTHING } from '../../value.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'nothing',
  categories: [''],
  status: 'hidden',
  description: 'No value at all: the assignment does not happen.',
  params: [],
  examples: [['root.a = 1\nroot.b = nothing()', '{}', '{"a":1}']],
  create: () => () => NOTHING,
})
