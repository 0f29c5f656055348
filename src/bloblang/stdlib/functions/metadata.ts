import { messageAt, metadataObject } from '../../runtime/frame.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'metadata',
  categories: ['Message Info'],
  status: 'stable',
  description:
    'Returns a metadata value of the input message, or all metadata as an object. It does not see what the mapping assigns; `@` does.',
  params: [{ name: 'key', type: 'string', description: 'The key; if omitted, all metadata.', default: '' }],
  examples: [['root.topic = metadata("kafka_topic")', '{}', '{"topic":null}']],
  create([key]) {
    if (key === '') return ({ batch, index }) => metadataObject(messageAt(batch, index).metadata)
    return ({ batch, index }) => messageAt(batch, index).metadata.get(key) ?? null
  },
})
