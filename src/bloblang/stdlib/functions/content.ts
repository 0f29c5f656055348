import { messageAt } from '../../runtime/frame.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'content',
  categories: ['Message Info'],
  status: 'stable',
  description:
    'The raw body of the message as bytes; in a document they become base64, so most uses call `.string()` on it.',
  params: [],
  examples: [['root.doc = content().string()', '{"foo":"bar"}', '{"doc":"{\\"foo\\":\\"bar\\"}"}']],
  create:
    () =>
    ({ batch, index }) =>
      messageAt(batch, index).bytes(),
})
