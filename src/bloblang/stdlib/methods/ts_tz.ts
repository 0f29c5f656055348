import { getTimestamp, inNamedZone } from '../../data/time/timestamp.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'ts_tz',
  categories: ['Timestamp Manipulation'],
  status: 'stable',
  description:
    'Converts a timestamp to another time zone: `UTC`, `Local` or an IANA name like `America/New_York`. Accepts a timestamp, an RFC 3339 string, or a number of Unix seconds, which is read with nanosecond precision and placed in the local time zone.',
  params: [{ name: 'tz', type: 'string', description: 'The name of the time zone.' }],
  bareErrors: true,
  folds: true,
  examples: [
    [
      'root.at = this.at.ts_tz("America/New_York")',
      '{"at":"2021-02-03T17:05:06+01:00"}',
      '{"at":"2021-02-03T11:05:06-05:00"}',
    ],
  ],
  create([tz]) {
    const toZone = inNamedZone(tz)
    return target => toZone(getTimestamp(target))
  },
})
