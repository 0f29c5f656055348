import { messageAt } from '../../runtime/frame.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'error_source_path',
  categories: ['Message Info'],
  status: 'stable',
  description:
    'Returns the path of the processor that caused the error of the message, or `null` if there is no error or it came from a processor that does not work on batches, such as `jq`, `grok` or `http`.',
  params: [],
  examples: [['root.doc.from = error_source_path()', '{}', '{"doc":{"from":null}}']],
  create:
    () =>
    ({ batch, index }) =>
      messageAt(batch, index).error?.sourcePath ?? null,
})
