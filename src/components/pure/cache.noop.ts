import { defineCache, field } from '../../engine/index.ts'

export default defineCache({
  name: 'noop',
  summary: 'Stores nothing.',
  config: field.anyObject('').default({}),
  create: () => ({ get: () => undefined, set: () => undefined, add: () => true, delete: () => undefined }),
})
