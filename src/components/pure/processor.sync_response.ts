import { defineProcessor, field } from '../../engine/index.ts'
import { respond } from './sync-response.ts'

export default defineProcessor({
  name: 'sync_response',
  unmeasured: true,
  categories: ['Utility'],
  summary:
    'Sets the current messages as the response to the client that sent them, if the input supports synchronous responses.',
  config: field.anyObject('').default({}),
  create: () => ({
    process(batch) {
      respond(batch)
      return [batch]
    },
  }),
})
