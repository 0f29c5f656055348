import { getTimestamp, nanosBetween } from '../../data/time/timestamp.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'ts_sub',
  categories: ['Timestamp Manipulation'],
  status: 'stable',
  description: 'Returns the nanoseconds from another timestamp to this one; negative if this one is earlier.',
  params: [{ name: 't2', type: 'timestamp', description: 'The timestamp to subtract.' }],
  bareErrors: true,
  folds: true,
  examples: [
    [
      'root.between = this.at.ts_sub("2020-08-14T05:54:23Z").abs()',
      '{"at":"2020-08-13T05:54:23Z"}',
      '{"between":86400000000000}',
    ],
  ],
  create([other]) {
    const earlier = getTimestamp(other)
    return target => nanosBetween(getTimestamp(target), earlier)
  },
})
