import { messageAt } from '../../runtime/frame.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'flow_id',
  categories: ['Message Info'],
  status: 'experimental',
  description: 'Returns the id that accompanies the message through the pipeline; empty if the input assigns none.',
  params: [],
  examples: [['root.id = flow_id()', '{}', '{"id":""}']],
  create:
    () =>
    ({ batch, index }) =>
      messageAt(batch, index).tracing?.flowId ?? '',
})
