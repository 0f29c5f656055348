import { NANOS_PER_SECOND } from '../../data/time/calendar.ts'
import { formatKsuid } from '../../data/identifiers.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'ksuid',
  categories: ['General'],
  status: 'stable',
  description: 'Returns a new KSUID on each call: 27 characters that sort by time, to the second.',
  params: [],
  examples: [['root.length = ksuid().length()', '{}', '{"length":27}']],
  create(_, host) {
    return () => formatKsuid(Number(host.now() / NANOS_PER_SECOND), host.randomBytes(16))
  },
})
