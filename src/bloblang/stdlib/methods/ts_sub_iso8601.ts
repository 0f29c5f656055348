import { parsePeriod, periodAdder } from '../../data/time/period.ts'
import { getTimestamp } from '../../data/time/timestamp.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'ts_sub_iso8601',
  categories: ['Timestamp Manipulation'],
  status: 'stable',
  description:
    'Subtracts an ISO 8601 duration from a timestamp. Years, months, weeks and days follow the calendar if they are whole numbers.',
  params: [{ name: 'duration', type: 'string', description: 'The duration, like `P1M` or `PT2H`.' }],
  bareErrors: true,
  folds: true,
  examples: [
    ['root.at = this.at.ts_sub_iso8601("P1MT2H")', '{"at":"2020-01-15T16:00:00Z"}', '{"at":"2019-12-15T14:00:00Z"}'],
  ],
  create([duration]) {
    const add = periodAdder(parsePeriod(duration), -1)
    return target => add(getTimestamp(target))
  },
})
