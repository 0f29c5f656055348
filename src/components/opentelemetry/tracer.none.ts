import { defineTracer, field } from '../../engine/index.ts'

export default defineTracer({
  name: 'none',
  status: 'stable',
  summary: 'Traces nothing.',
  config: field.anyObject('').default({}),
  create: () => null,
})
