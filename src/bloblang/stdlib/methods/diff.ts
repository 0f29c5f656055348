import { describeChange, diffValues } from '../../data/changelog.ts'
import { Opaque } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'diff',
  categories: ['Object & Array Manipulation'],
  status: 'beta',
  description:
    'Returns the changes that turn the value into the argument, each with `Type` (`create`, `update`, `delete`), `Path`, `From` and `To`. The result can be stored and passed to `patch`; to process it further, convert it with `string().parse_json()`. Values of different types at the same path are an error.',
  params: [{ name: 'other', type: 'unknown', description: 'The value to compare with.' }],
  bareErrors: true,
  examples: [
    [
      'root = this.old.diff(this.new)',
      '{"old":{"a":1,"b":2},"new":{"a":3,"b":2}}',
      '[{"From":1,"Path":["a"],"To":3,"Type":"update"}]',
    ],
  ],
  create([other]) {
    return target => (target === null ? null : new Opaque(diffValues(target, other).map(describeChange)))
  },
})
