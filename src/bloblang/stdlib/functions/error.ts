import { messageAt } from '../../runtime/frame.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'error',
  categories: ['Message Info'],
  status: 'stable',
  description: 'Why the processing of the message failed, or `null` where it did not.',
  params: [],
  examples: [['root.doc.error = error()', '{}', '{"doc":{"error":null}}']],
  create:
    () =>
    ({ batch, index }) =>
      messageAt(batch, index).error?.message ?? null,
})
