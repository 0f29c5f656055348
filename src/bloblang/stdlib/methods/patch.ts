import { applyChanges, readChanges } from '../../data/changelog.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'patch',
  categories: ['Object & Array Manipulation'],
  status: 'beta',
  description: 'Applies a list of changes, as returned by `diff`, to the value.',
  params: [{ name: 'changelog', type: 'unknown', description: 'The changes.' }],
  bareErrors: true,
  examples: [
    ['root = this.old.patch(this.old.diff(this.new))', '{"old":{"a":1},"new":{"a":2,"b":3}}', '{"a":2,"b":3}'],
  ],
  create([changelog]) {
    const changes = readChanges(changelog)
    return target => (target === null ? null : applyChanges(target, changes))
  },
})
