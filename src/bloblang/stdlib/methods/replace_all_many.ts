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
    'For each pair of strings in an array, replaces every occurrence of the first with the second. Pairs are applied in order.',
  params: [
    {
      name: 'values',
      type: 'array',
      description: 'Pairs of strings: the string to look for and its replacement, alternating.',
    },
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
