import { replaceAll } from '../../text/replace.ts'
import { keepKind } from '../../text/target.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'replace_all',
  categories: ['String Manipulation'],
  status: 'stable',
  description: 'Replaces every occurrence of one string with another.',
  params: [
    { name: 'old', type: 'string', description: 'The string to look for.' },
    { name: 'new', type: 'string', description: 'The replacement.' },
  ],
  examples: [
    [
      'root.new_value = this.value.replace_all("foo","dog")',
      '{"value":"The foo ate my homework"}',
      '{"new_value":"The dog ate my homework"}',
    ],
  ],
  create:
    ([old, replacement]) =>
    target =>
      keepKind(target, text => replaceAll(text, old, replacement)),
})
