import { escapeHtml } from '../../text/html.ts'
import { getString } from '../../data/coerce.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'escape_html',
  categories: ['String Manipulation'],
  status: 'stable',
  description:
    'Escapes the five special characters of HTML (`<`, `>`, `&`, `\'` and `"`), so that the text can be placed between tags.',
  params: [],
  examples: [
    ['root.escaped = this.value.escape_html() == "foo &amp; bar"', '{"value":"foo & bar"}', '{"escaped":true}'],
  ],
  create: () => target => escapeHtml(getString(target)),
})
