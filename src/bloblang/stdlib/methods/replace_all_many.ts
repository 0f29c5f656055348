import { replaceAll } from '../../text/replace.ts'
import { replacementPairs } from '../../text/replacement-pairs.ts'
import { keepKind } from '../../text/target.ts'
import type { Value } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'replace_all_many',
  categories: ['String Manipulation'],
  status: 'stable',
  description:
    'Replaces for each pair of strings in an array every occurrence of the first by the second, one pair after the other.',
  params: [
    { name: 'values', type: 'array', description: 'Strings in pairs: what to look for, what to put in its place.' },
  ],
  examples: [
    [
      'root.new_value = this.value.replace_all_many(["<b>", "[", "</b>", "]"])',
      '{"value":"<b>bold</b>"}',
      '{"new_value":"[bold]"}',
    ],
  ],
  create: ([values]) => {
    const pairs = replacementPairs(values as readonly Value[]) // the parameter's type is array
    return target =>
      keepKind(target, text =>
        pairs.reduce((changed, [old, replacement]) => replaceAll(changed, old, replacement), text),
      )
  },
})
