import { messageAt } from '../../runtime/frame.ts'
import { metadataText, metadataTexts } from '../../runtime/metadata-text.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'meta',
  categories: ['Deprecated'],
  status: 'deprecated',
  description:
    'Returns a metadata value of the input message as a string, or `null` if it is empty; without a key, all metadata as an object. `metadata` keeps the types.',
  params: [{ name: 'key', type: 'string', description: 'The key; if omitted, all metadata.', default: '' }],
  examples: [['root.topic = meta("nope") | "default"', '{}', '{"topic":"default"}']],
  create([key]) {
    if (key === '') return ({ batch, index }) => metadataTexts(messageAt(batch, index).metadata)
    return ({ batch, index }) => metadataText(messageAt(batch, index).metadata, key)
  },
})
