import { getString } from '../../data/coerce.ts'
import { parseTime } from '../../data/time/parse.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'ts_parse',
  categories: ['Timestamp Manipulation'],
  status: 'stable',
  description:
    'Parses a string as a timestamp. The layout shows how the reference time `Mon Jan 2 15:04:05 -0700 MST 2006` would be written.',
  params: [{ name: 'format', type: 'string', description: 'The layout.' }],
  bareErrors: true,
  folds: true,
  examples: [['root.at = this.at.ts_parse("2006-Jan-02")', '{"at":"2020-Aug-14"}', '{"at":"2020-08-14T00:00:00Z"}']],
  create([layout]) {
    return target => parseTime(layout, getString(target))
  },
})
