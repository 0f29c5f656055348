import { messageAt } from '../../runtime/frame.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'error',
  categories: ['Message Info'],
  status: 'stable',
  description: 'Returns the error with which processing the message failed, or `null` if it did not fail.',
  params: [],
  examples: [['root.doc.error = error()', '{}', '{"doc":{"error":null}}']],
  create:
    () =>
    ({ batch, index }) =>
      messageAt(batch, index).error?.message ?? null,
})
