import { defineOutput, field } from '../../engine/index.ts'
import { respond } from './sync-response.ts'

export default defineOutput({
  name: 'sync_response',
  categories: ['Utility'],
  summary: 'Returns messages to the client that sent them, if the input supports synchronous responses.',
  config: field.anyObject('').default({}),
  maxInFlight: 1,
  create: () => ({ write: batch => respond(batch) }),
})
