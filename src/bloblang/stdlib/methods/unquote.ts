import { unquote } from '../../text/quote.ts'
import { getString } from '../../data/coerce.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'unquote',
  categories: ['String Manipulation'],
  status: 'stable',
  description: 'Removes the quotes around a string and expands its escapes (`\\t`, `\\xff`, `\\u0100`).',
  params: [],
  examples: [
    ['root.text = this.thing.unquote()', '{"thing":"\\"foo\\\\nbar\\""}', '{"text":"foo\\nbar"}'],
    [
      'root.text = this.thing.unquote()',
      '{"thing":"foo"}',
      { error: 'failed assignment (line 1): field `this.thing`: invalid syntax' },
    ],
  ],
  create: () => target => unquote(getString(target)),
})
