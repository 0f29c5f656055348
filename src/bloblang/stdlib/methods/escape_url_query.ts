import { queryEscape } from '../../text/url.ts'
import { getString } from '../../data/coerce.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'escape_url_query',
  categories: ['String Manipulation'],
  status: 'stable',
  description: 'Escapes a string for use in a URL query; a space becomes `+`.',
  params: [],
  examples: [['root.escaped = this.value.escape_url_query()', '{"value":"foo & bar"}', '{"escaped":"foo+%26+bar"}']],
  create: () => target => queryEscape(getString(target)),
})
