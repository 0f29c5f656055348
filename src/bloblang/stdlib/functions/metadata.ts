import { messageAt, metadataObject } from '../../runtime/frame.ts'
import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'metadata',
  categories: ['Message Info'],
  status: 'stable',
  description:
    'A metadata value of the message as it came in, or all of them as an object. What the mapping assigns is not seen; `@` reads that.',
  params: [{ name: 'key', type: 'string', description: 'The key; all of the metadata without it.', default: '' }],
  examples: [['root.topic = metadata("kafka_topic")', '{}', '{"topic":null}']],
  create([key]) {
    if (key === '') return ({ batch, index }) => metadataObject(messageAt(batch, index).metadata)
    return ({ batch, index }) => messageAt(batch, index).metadata.get(key) ?? null
  },
})
