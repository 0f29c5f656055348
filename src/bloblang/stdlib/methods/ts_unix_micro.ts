import { getTimestamp, unixCount } from '../../data/time/timestamp.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'ts_unix_micro',
  categories: ['Timestamp Manipulation'],
  status: 'stable',
  description:
    'Returns the microseconds since 1970-01-01T00:00Z of a timestamp. Takes a timestamp, a text in RFC 3339, or a number of Unix seconds, whose fraction is kept to the nanosecond and which is shown in the local zone.',
  params: [],
  bareErrors: true,
  folds: true,
  examples: [['root.unix = this.at.ts_unix_micro()', '{"at":"2009-11-10T23:00:00Z"}', '{"unix":1257894000000000}']],
  create() {
    return target => unixCount(getTimestamp(target), 1_000n)
  },
})
