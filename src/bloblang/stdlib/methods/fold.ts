import { expectArray } from '../../data/coerce.ts'
import { asStored } from '../../data/empty-literals.ts'
import { defineMethod, type Value } from '../spec.ts'

export default defineMethod({
  name: 'fold',
  categories: ['Object & Array Manipulation'],
  status: 'stable',
  description:
    'Reduces an array to one value. The query receives an object with `tally`, its result for the previous element (initially the first argument), and `value`, the current element.',
  params: [
    { name: 'initial', type: 'unknown', description: 'The initial tally: `0`, `""`, `{}` …' },
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
