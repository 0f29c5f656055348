import { messageAt } from '../../runtime/frame.ts'
import { metadataText, metadataTexts } from '../../runtime/metadata-text.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'meta',
  categories: ['Deprecated'],
  status: 'deprecated',
  description:
    'A metadata value of the message as it came in, as text, or `null` where it is empty; all of them as an object without a key. `metadata` keeps the types.',
  params: [{ name: 'key', type: 'string', description: 'The key; all of the metadata without it.', default: '' }],
  examples: [['root.topic = meta("nope") | "default"', '{}', '{"topic":"default"}']],
  create([key]) {
    if (key === '') return ({ batch, index }) => metadataTexts(messageAt(batch, index).metadata)
    return ({ batch, index }) => metadataText(messageAt(batch, index).metadata, key)
  },
})
