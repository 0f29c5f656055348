import { unescapeHtml } from '../../text/html.ts'
import { getString } from '../../data/coerce.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'unescape_html',
  categories: ['String Manipulation'],
  status: 'stable',
  description:
    'Replaces HTML character references, named and numeric, with their characters, such as `&aacute;`, `&#225;` and `&#xE1;`.',
  params: [],
  examples: [['root.text = this.value.unescape_html()', '{"value":"caf&eacute; &#9731;"}', '{"text":"café ☃"}']],
  create: () => target => unescapeHtml(getString(target)),
})
