import { messageAt } from '../../runtime/frame.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'error_source_label',
  categories: ['Message Info'],
  status: 'stable',
  description:
    'Returns the label of the processor that caused the error of the message, or `null` if there is no error or it came from a processor that does not work on batches, such as `jq`, `grok` or `http`.',
  params: [],
  examples: [['root.doc.from = error_source_label()', '{}', '{"doc":{"from":null}}']],
  create:
    () =>
    ({ batch, index }) =>
      messageAt(batch, index).error?.sourceLabel ?? null,
})
