import { NANOS_PER_SECOND } from '../../data/time/calendar.ts'
import { getTimestamp, unixCount } from '../../data/time/timestamp.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'format_timestamp_unix',
  categories: ['Deprecated'],
  status: 'deprecated',
  description:
    'The old name of `ts_unix`. Returns the seconds since 1970-01-01T00:00Z of a timestamp. Takes a timestamp, a text in RFC 3339, or a number of Unix seconds, whose fraction is kept to the nanosecond and which is shown in the local zone.',
  params: [],
  bareErrors: true,
  folds: true,
  examples: [],
  create() {
    return target => unixCount(getTimestamp(target), NANOS_PER_SECOND)
  },
})
