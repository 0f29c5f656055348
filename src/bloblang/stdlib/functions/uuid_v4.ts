import { formatUuidV4 } from '../../../base/index.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'uuid_v4',
  categories: ['General'],
  status: 'stable',
  description: 'Returns a new random UUID on each call.',
  params: [],
  examples: [['root.length = uuid_v4().length()', '{}', '{"length":36}']],
  create(_, host) {
    return () => formatUuidV4(host.randomBytes(16))
  },
})
