import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'timestamp_unix_nano',
  categories: ['Environment'],
  status: 'stable',
  description: 'Returns the current time in nanoseconds since 1970-01-01T00:00Z.',
  params: [],
  examples: [['root.recent = timestamp_unix_nano() > 1600000000000000000', '{}', '{"recent":true}']],
  create(_, host) {
    return () => host.now()
  },
})
