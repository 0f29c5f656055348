import { MappingError } from '../../errors.ts'
import { getString } from '../../data/coerce.ts'
import { parseQuery } from '../../text/url.ts'
import type { Value } from '../../value.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'parse_form_url_encoded',
  categories: ['Parsing'],
  status: 'stable',
  description:
    'Parses a query string, such as the body of a posted form; a name that occurs more than once becomes an array.',
  params: [],
  examples: [
    [
      'root.values = this.body.parse_form_url_encoded()',
      '{"body":"noise=meow&animal=cat&fur=orange&fur=fluffy"}',
      '{"values":{"animal":"cat","fur":["orange","fluffy"],"noise":"meow"}}',
    ],
  ],
  bareErrors: true,
  create: () => target => {
    const fields = [...values(getString(target))].map(([name, list]): [string, Value] => [
      name,
      list.length === 1 ? list[0]! : list,
    ])
    return Object.fromEntries(fields)
  },
})

function values(query: string): Map<string, string[]> {
  try {
    return parseQuery(query)
  } catch (error) {
    if (!(error instanceof MappingError)) throw error
    throw new MappingError(`failed to parse value as url-encoded data: ${error.message}`)
  }
}
