import { defineBuffer, field } from '../../engine/index.ts'

export default defineBuffer({
  name: 'none',
  categories: ['Utility'],
  summary: 'No buffer: the source is acknowledged once the output has delivered.',
  config: field.object({}).default({}),
  create: () => null,
})
