import { getTimestamp, unixCount } from '../../data/time/timestamp.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'ts_unix_micro',
  categories: ['Timestamp Manipulation'],
  status: 'stable',
  description:
    'Converts a timestamp to microseconds since 1970-01-01T00:00Z. Accepts a timestamp, an RFC 3339 string, or a number of Unix seconds, which is read with nanosecond precision and placed in the local time zone.',
  params: [],
  bareErrors: true,
  folds: true,
  examples: [['root.unix = this.at.ts_unix_micro()', '{"at":"2009-11-10T23:00:00Z"}', '{"unix":1257894000000000}']],
  create() {
    return target => unixCount(getTimestamp(target), 1_000n)
  },
})
