import { defineProcessor, field } from '../../engine/index.ts'

export default defineProcessor({
  name: 'noop',
  unmeasured: true,
  summary: 'Does nothing.',
  config: field.anyObject('').default({}),
  create: () => ({ process: batch => [batch] }),
})
