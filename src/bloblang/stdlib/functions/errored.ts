import { messageAt } from '../../runtime/frame.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'errored',
  categories: ['Message Info'],
  status: 'stable',
  description: 'Returns whether processing the message failed.',
  params: [],
  examples: [['root.status = if errored() { 400 } else { 200 }', '{}', '{"status":200}']],
  create:
    () =>
    ({ batch, index }) =>
      messageAt(batch, index).error !== null,
})
