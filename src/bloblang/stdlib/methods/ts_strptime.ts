import { getString } from '../../data/coerce.ts'
import { parseStrptime } from '../../data/time/strptime.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'ts_strptime',
  categories: ['Timestamp Manipulation'],
  status: 'stable',
  description:
    'Reads a text as a timestamp by a strptime format. `%f` is the microseconds; the modifiers E and O are not known. A day that a month does not have runs into the next one.',
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
