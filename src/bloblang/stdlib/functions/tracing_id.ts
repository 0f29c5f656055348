import { messageAt } from '../../runtime/frame.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'tracing_id',
  categories: ['Message Info'],
  status: 'experimental',
  description: 'Returns the trace id of the message; all zeros if it has none.',
  params: [],
  examples: [['root.id = tracing_id()', '{}', '{"id":"00000000000000000000000000000000"}']],
  create:
    () =>
    ({ batch, index }) =>
      messageAt(batch, index).tracing?.traceId ?? '0'.repeat(32),
})
