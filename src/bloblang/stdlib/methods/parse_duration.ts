import { getString } from '../../data/coerce.ts'
import { parseDuration } from '../../data/time/duration.ts'
import { defineMethod } from '../spec.ts'

export default defineMethod({
  name: 'parse_duration',
  categories: ['Timestamp Manipulation'],
  status: 'stable',
  description:
    'Parses a duration like `300ms`, `-1.5h` or `2h45m` and returns nanoseconds. The units are `ns`, `us` (or `µs`), `ms`, `s`, `m` and `h`.',
  params: [],
  bareErrors: true,
  folds: true,
  examples: [['root.ns = this.wait.parse_duration()', '{"wait":"1m0.5s"}', '{"ns":60500000000}']],
  create() {
    return target => parseDuration(getString(target))
  },
})
