import { getString } from '../../data/coerce.ts'
import { formatRfc3339 } from '../../data/time/format.ts'
import { parseTime } from '../../data/time/parse.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'parse_timestamp',
  categories: ['Deprecated'],
  status: 'deprecated',
  description:
    'The old name of `ts_parse`. Parses a string as a timestamp. The layout shows how the reference time `Mon Jan 2 15:04:05 -0700 MST 2006` would be written. Returns an RFC 3339 string.',
  params: [{ name: 'format', type: 'string', description: 'The layout.' }],
  bareErrors: true,
  folds: true,
  examples: [],
  create([layout]) {
    return target => formatRfc3339(parseTime(layout, getString(target)))
  },
})
