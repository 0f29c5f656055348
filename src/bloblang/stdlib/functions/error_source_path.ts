import { messageAt } from '../../runtime/frame.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'error_source_path',
  categories: ['Message Info'],
  status: 'stable',
  description:
    'The path of the processor that the error of the message comes from, or `null` where the message has no error, or one of a processor that does not work on batches, such as `jq`, `grok` or `http`.',
  params: [],
  examples: [['root.doc.from = error_source_path()', '{}', '{"doc":{"from":null}}']],
  create:
    () =>
    ({ batch, index }) =>
      messageAt(batch, index).error?.sourcePath ?? null,
})
