import { stringOrBytes } from '../../text/target.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'has_prefix',
  categories: ['String Manipulation'],
  status: 'stable',
  description: 'Returns whether a string starts with the argument.',
  params: [{ name: 'value', type: 'string', description: 'The string to look for.' }],
  examples: [['root.ok = this.v.has_prefix("foo")', '{"v":"foobar"}', '{"ok":true}']],
  create:
    ([value]) =>
    target =>
      stringOrBytes(target).startsWith(value),
})
