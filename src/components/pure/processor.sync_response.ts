import { defineProcessor, field } from '../../engine/index.ts'
import { respond } from './sync-response.ts'

export default defineProcessor({
  name: 'sync_response',
  categories: ['Utility'],
  summary: 'Gives messages as they are here back to whoever sent them, where the input can answer.',
  config: field.anyObject('').default({}),
  create: () => ({
    process(batch) {
      respond(batch)
      return [batch]
    },
  }),
})
