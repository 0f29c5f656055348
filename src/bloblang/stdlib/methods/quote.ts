import { quote } from '../../text/quote.ts'
import { getString } from '../../data/coerce.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'quote',
  categories: ['String Manipulation'],
  status: 'stable',
  description: 'Encloses a string in double quotes and escapes unprintable characters (`\\t`, `\\xff`, `\\u0100`).',
  params: [],
  examples: [['root.quoted = this.thing.quote()', '{"thing":"foo\\nbar"}', '{"quoted":"\\"foo\\\\nbar\\""}']],
  create: () => target => quote(getString(target)),
})
