import { allDelivered, defineOutput, field } from '../../engine/index.ts'

export default defineOutput({
  name: 'drop',
  categories: ['Utility'],
  summary: 'Drops all messages.',
  config: field.anyObject('').default({}),
  maxInFlight: 1,
  create: () => ({ write: () => undefined, writeRun: allDelivered }),
})
