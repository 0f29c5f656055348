import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'timestamp_unix_milli',
  categories: ['Environment'],
  status: 'stable',
  description: 'Returns the current time in milliseconds since 1970-01-01T00:00Z.',
  params: [],
  examples: [['root.recent = timestamp_unix_milli() > 1600000000000', '{}', '{"recent":true}']],
  create(_, host) {
    return () => host.now() / 1_000_000n
  },
})
