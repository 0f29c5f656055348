import { getTimestamp, inNamedZone } from '../../data/time/timestamp.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'ts_tz',
  categories: ['Timestamp Manipulation'],
  status: 'stable',
  description:
    'Shows a timestamp in another zone: `UTC`, `Local` or a name of the IANA database like `America/New_York`. Takes a timestamp, a text in RFC 3339, or a number of Unix seconds, whose fraction is kept to the nanosecond and which is shown in the local zone.',
  params: [{ name: 'tz', type: 'string', description: 'The name of the zone.' }],
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
