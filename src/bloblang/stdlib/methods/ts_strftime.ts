import { formatStrftime } from '../../data/time/strftime.ts'
import { getTimestamp, inNamedZone } from '../../data/time/timestamp.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'ts_strftime',
  categories: ['Timestamp Manipulation'],
  status: 'stable',
  description:
    'Formats a timestamp with a strftime format. `%f` prints microseconds; the flags `-`, `_`, `0`, `^`, `#` and widths are supported, the modifiers E and O are not. Accepts a timestamp, an RFC 3339 string, or a number of Unix seconds, which is read with nanosecond precision and placed in the local time zone.',
  params: [
    { name: 'format', type: 'string', description: 'The format.' },
    { name: 'tz', type: 'string', optional: true, description: 'The time zone to convert to first.' },
  ],
  bareErrors: true,
  folds: true,
  examples: [
    [
      'root.at = this.at.ts_strftime("%Y-%b-%d %H:%M:%S.%f", "UTC")',
      '{"at":"2020-08-14T11:50:26.371Z"}',
      '{"at":"2020-Aug-14 11:50:26.371000"}',
    ],
  ],
  create([format, tz]) {
    const toZone = inNamedZone(tz)
    return target => formatStrftime(toZone(getTimestamp(target)), format)
  },
})
