import { formatStrftime } from '../../data/time/strftime.ts'
import { getTimestamp, inNamedZone } from '../../data/time/timestamp.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'ts_strftime',
  categories: ['Timestamp Manipulation'],
  status: 'stable',
  description:
    'Prints a timestamp by a strftime format. `%f` is the microseconds; the flags `-`, `_`, `0`, `^`, `#` and widths are known, the modifiers E and O are not. Takes a timestamp, a text in RFC 3339, or a number of Unix seconds, whose fraction is kept to the nanosecond and which is shown in the local zone.',
  params: [
    { name: 'format', type: 'string', description: 'The format.' },
    { name: 'tz', type: 'string', optional: true, description: 'The zone to show the time in, in place of its own.' },
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
