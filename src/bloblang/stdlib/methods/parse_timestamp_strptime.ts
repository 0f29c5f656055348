import { getString } from '../../data/coerce.ts'
import { formatRfc3339 } from '../../data/time/format.ts'
import { parseStrptime } from '../../data/time/strptime.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'parse_timestamp_strptime',
  categories: ['Deprecated'],
  status: 'deprecated',
  description:
    'The old name of `ts_strptime`. Reads a text as a timestamp by a strptime format. `%f` is the microseconds; the modifiers E and O are not known. A day that a month does not have runs into the next one. It yields the text of the timestamp in RFC 3339.',
  params: [{ name: 'format', type: 'string', description: 'The format.' }],
  bareErrors: true,
  folds: true,
  examples: [],
  create([format]) {
    return target => formatRfc3339(parseStrptime(getString(target), format))
  },
})
