import { getTimestamp, roundTimestamp } from '../../data/time/timestamp.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'ts_round',
  categories: ['Timestamp Manipulation'],
  status: 'stable',
  description:
    'Rounds a timestamp to the nearest multiple of a duration since the year 1, with halves rounded up. Accepts a timestamp, an RFC 3339 string, or a number of Unix seconds, which is read with nanosecond precision and placed in the local time zone.',
  params: [{ name: 'duration', type: 'integer', description: 'The duration in nanoseconds; see `parse_duration`.' }],
  bareErrors: true,
  folds: true,
  examples: [
    [
      'root.hour = this.at.ts_round("1h".parse_duration())',
      '{"at":"2020-08-14T05:54:23Z"}',
      '{"hour":"2020-08-14T06:00:00Z"}',
    ],
  ],
  create([duration]) {
    return target => roundTimestamp(getTimestamp(target), duration)
  },
})
