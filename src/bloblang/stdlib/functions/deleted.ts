import { DELETED } from '../../value.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'deleted',
  categories: ['General'],
  status: 'stable',
  description: 'Removes the assignment target: a field, an element, a metadata key or, at the root, the whole message.',
  params: [],
  examples: [
    ['root = this\nroot.bar = deleted()', '{"bar":1,"baz":2}', '{"baz":2}'],
    ['root = deleted()', '{}', 'deleted'],
  ],
  create: () => () => DELETED,
})
