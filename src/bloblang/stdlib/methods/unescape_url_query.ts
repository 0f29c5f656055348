import { queryUnescape } from '../../text/url.ts'
import { getString } from '../../data/coerce.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'unescape_url_query',
  categories: ['String Manipulation'],
  status: 'stable',
  description: 'Decodes a string that was escaped for a URL query.',
  params: [],
  examples: [
    ['root.text = this.value.unescape_url_query() == "foo & bar"', '{"value":"foo+%26+bar"}', '{"text":true}'],
    [
      'root.text = this.value.unescape_url_query()',
      '{"value":"100%"}',
      { error: 'failed assignment (line 1): field `this.value`: invalid URL escape "%"' },
    ],
  ],
  create: () => target => queryUnescape(getString(target)),
})
