import { RFC3339_NANO, formatLayout } from '../../data/time/format.ts'
import { getTimestamp, inNamedZone } from '../../data/time/timestamp.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'ts_format',
  categories: ['Timestamp Manipulation'],
  status: 'stable',
  description:
    'Formats a timestamp. The layout shows how the reference time `Mon Jan 2 15:04:05 -0700 MST 2006` would be written; the default is RFC 3339. Accepts a timestamp, an RFC 3339 string, or a number of Unix seconds, which is read with nanosecond precision and placed in the local time zone.',
  params: [
    { name: 'format', type: 'string', default: RFC3339_NANO, description: 'The layout.' },
    { name: 'tz', type: 'string', optional: true, description: 'The time zone to convert to first.' },
  ],
  bareErrors: true,
  folds: true,
  examples: [
    [
      'root.at = this.at.ts_format("2006-Jan-02 15:04:05.999", "UTC")',
      '{"at":1597405526.25}',
      '{"at":"2020-Aug-14 11:45:26.25"}',
    ],
    ['root.at = this.at.ts_format("Jan 2")', '{"at":"2020-08-14T11:50:26.371Z"}', '{"at":"Aug 14"}'],
  ],
  create([layout, tz]) {
    const toZone = inNamedZone(tz)
    return target => formatLayout(toZone(getTimestamp(target)), layout)
  },
})
