import { messageAt } from '../../runtime/frame.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'tracing_span',
  categories: ['Message Info'],
  status: 'experimental',
  description:
    'Returns the tracing span of the message as an object of strings (`traceparent` …); empty if it has none.',
  params: [],
  examples: [['root.span = tracing_span()', '{}', '{"span":{}}']],
  create:
    () =>
    ({ batch, index }) =>
      messageAt(batch, index).tracing?.span ?? {},
})
