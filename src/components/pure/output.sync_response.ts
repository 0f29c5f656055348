import { defineOutput, field } from '../../engine/index.ts'
import { respond } from './sync-response.ts'

export default defineOutput({
  name: 'sync_response',
  categories: ['Utility'],
  summary: 'Gives messages back to whoever sent them, where the input can answer.',
  config: field.anyObject('').default({}),
  maxInFlight: 1,
  create: () => ({ write: batch => respond(batch) }),
})
