import { messageAt } from '../../runtime/frame.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'content',
  categories: ['Message Info'],
  status: 'stable',
  description:
    'Returns the raw body of the message as bytes. Bytes become base64 when assigned to a document, so most uses call `.string()` on the result.',
  params: [],
  examples: [['root.doc = content().string()', '{"foo":"bar"}', '{"doc":"{\\"foo\\":\\"bar\\"}"}']],
  create:
    () =>
    ({ batch, index }) =>
      messageAt(batch, index).bytes(),
})
