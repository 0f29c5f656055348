import { messageAt } from '../../runtime/frame.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'tracing_span',
  categories: ['Message Info'],
  status: 'experimental',
  description:
    'The tracing span of the message as an object of text fields (`traceparent` …), or `null` where it has none.',
  params: [],
  examples: [['root.span = tracing_span()', '{}', '{"span":null}']],
  create:
    () =>
    ({ batch, index }) =>
      messageAt(batch, index).tracing?.span ?? null,
})
