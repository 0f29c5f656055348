import { getString } from '../../data/coerce.ts'
import { parsePeriodNanos } from '../../data/time/period.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'parse_duration_iso8601',
  categories: ['Timestamp Manipulation'],
  status: 'stable',
  description:
    'Parses an ISO 8601 duration like `P3Y6M4DT12H30M5S` or `P2W` and returns nanoseconds. A year counts as 365.2425 days and a month as a twelfth of that. Only the last field may have a fraction.',
  params: [],
  bareErrors: true,
  folds: true,
  examples: [['root.ns = this.wait.parse_duration_iso8601()', '{"wait":"PT2.5S"}', '{"ns":2500000000}']],
  create() {
    return target => parsePeriodNanos(getString(target))
  },
})
