import { escapeHtml } from '../../text/html.ts'
import { getString } from '../../data/coerce.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'escape_html',
  categories: ['String Manipulation'],
  status: 'stable',
  description:
    'Replaces the five characters that mean something in HTML (`<`, `>`, `&`, `\'` and `"`) by references, so that the text can stand between tags.',
  params: [],
  examples: [
    ['root.escaped = this.value.escape_html() == "foo &amp; bar"', '{"value":"foo & bar"}', '{"escaped":true}'],
  ],
  create: () => target => escapeHtml(getString(target)),
})
