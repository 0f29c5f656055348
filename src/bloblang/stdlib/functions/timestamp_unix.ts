import { NANOS_PER_SECOND } from '../../data/time/calendar.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'timestamp_unix',
  categories: ['Environment'],
  status: 'stable',
  description: 'Returns the current time in seconds since 1970-01-01T00:00Z.',
  params: [],
  examples: [['root.recent = timestamp_unix() > 1600000000', '{}', '{"recent":true}']],
  create(_, host) {
    return () => host.now() / NANOS_PER_SECOND
  },
})
