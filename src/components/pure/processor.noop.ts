import { defineProcessor, field } from '../../engine/index.ts'

export default defineProcessor({
  name: 'noop',
  summary: 'Does nothing.',
  config: field.anyObject('').default({}),
  create: () => ({ process: batch => [batch] }),
})
