import { defineTracer, field } from '../../engine/index.ts'

export default defineTracer({
  name: 'none',
  status: 'stable',
  summary: 'Disables tracing.',
  config: field.anyObject('').default({}),
  create: () => null,
})
