import { expectArray } from '../../data/coerce.ts'
import { asStored } from '../../data/empty-literals.ts'
import { defineMethod, type Value } from '../spec.ts'

export default defineMethod({
  name: 'fold',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description:
    'Reduces an array to one value. The query sees an object with `tally`, what it yielded for the element before, and `value`, the element; the first tally is the first argument.',
  params: [
    { name: 'initial', type: 'unknown', description: 'The tally to begin with: `0`, `""`, `{}` …' },
    { name: 'query', type: 'query', description: 'Yields the next tally.' },
  ],
  examples: [
    ['root.sum = this.foo.fold(0, item -> item.tally + item.value)', '{"foo":[3,8,11]}', '{"sum":22}'],
    [
      'root = this.fruit.fold({}, item -> item.tally.merge(item.value))',
      '{"fruit":[{"a":1},{"b":2}]}',
      '{"a":1,"b":2}',
    ],
  ],
  create([initial, query]) {
    const first = asStored(initial)
    return target => expectArray(target).reduce<Value>((tally, value) => query({ tally, value }), first)
  },
})
