import { getString } from '../../data/coerce.ts'
import { parseUrl } from '../../text/url.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'parse_url',
  categories: ['Parsing'],
  status: 'stable',
  description:
    'Parses a URL into an object with the fields `scheme`, `opaque`, `user` (if present), `host`, `path`, `raw_path`, `raw_query`, `fragment` and `raw_fragment`.',
  params: [],
  examples: [
    [
      'root = this.url.parse_url().without("opaque", "raw_path", "raw_fragment")',
      '{"url":"https://amqp:secret@example.com:8080/a%20b?c=d#e"}',
      '{"fragment":"e","host":"example.com:8080","path":"/a b","raw_query":"c=d","scheme":"https","user":{"name":"amqp","password":"secret"}}',
    ],
  ],
  create: () => target => {
    const url = parseUrl(getString(target))
    return {
      scheme: url.scheme,
      opaque: url.opaque,
      host: url.host,
      path: url.path,
      raw_path: url.rawPath,
      raw_query: url.rawQuery,
      fragment: url.fragment,
      raw_fragment: url.rawFragment,
      ...(url.user === undefined ? {} : { user: { ...url.user } }),
    }
  },
})
