import { NANOS_PER_SECOND } from '../../data/time/calendar.ts'
import { getTimestamp, unixCount } from '../../data/time/timestamp.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'ts_unix',
  categories: ['Timestamp Manipulation'],
  status: 'stable',
  description:
    'Returns the seconds since 1970-01-01T00:00Z of a timestamp. Takes a timestamp, a text in RFC 3339, or a number of Unix seconds, whose fraction is kept to the nanosecond and which is shown in the local zone.',
  params: [],
  bareErrors: true,
  folds: true,
  examples: [['root.unix = this.at.ts_unix()', '{"at":"2009-11-10T23:00:00Z"}', '{"unix":1257894000}']],
  create() {
    return target => unixCount(getTimestamp(target), NANOS_PER_SECOND)
  },
})
