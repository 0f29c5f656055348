import { getString } from '../../data/coerce.ts'
import { formatRfc3339 } from '../../data/time/format.ts'
import { parseStrptime } from '../../data/time/strptime.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'parse_timestamp_strptime',
  categories: ['Deprecated'],
  status: 'deprecated',
  description:
    'The old name of `ts_strptime`. Parses a string as a timestamp in a strptime format. `%f` matches microseconds; the modifiers E and O are not supported. A day beyond the end of its month rolls over into the next month. Returns an RFC 3339 string.',
  params: [{ name: 'format', type: 'string', description: 'The format.' }],
  bareErrors: true,
  folds: true,
  examples: [],
  create([format]) {
    return target => formatRfc3339(parseStrptime(getString(target), format))
  },
})
