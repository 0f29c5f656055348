import { getString } from '../../data/coerce.ts'
import { parseStrptime } from '../../data/time/strptime.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'ts_strptime',
  categories: ['Timestamp Manipulation'],
  status: 'stable',
  description:
    'Parses a string as a timestamp in a strptime format. `%f` matches microseconds; the modifiers E and O are not supported. A day beyond the end of its month rolls over into the next month.',
  params: [{ name: 'format', type: 'string', description: 'The format.' }],
  bareErrors: true,
  folds: true,
  examples: [
    [
      'root.at = this.at.ts_strptime("%Y-%b-%d %H:%M:%S.%f")',
      '{"at":"2020-Aug-14 11:50:26.371"}',
      '{"at":"2020-08-14T11:50:26.371Z"}',
    ],
  ],
  create([format]) {
    return target => parseStrptime(getString(target), format)
  },
})
