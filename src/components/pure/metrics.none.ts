import { defineMetrics, field } from '../../engine/index.ts'

export default defineMetrics({
  name: 'none',
  summary: 'Disables metrics.',
  config: field.anyObject('Has no fields.').default({}),
  create: () => ({}),
})
