import { stringOrBytes } from '../../text/target.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'has_suffix',
  categories: ['String Manipulation'],
  status: 'stable',
  description: 'Returns whether a string ends with the argument.',
  params: [{ name: 'value', type: 'string', description: 'The string to look for.' }],
  examples: [['root.ok = this.v.has_suffix("bar")', '{"v":"foobar"}', '{"ok":true}']],
  create:
    ([value]) =>
    target =>
      stringOrBytes(target).endsWith(value),
})
