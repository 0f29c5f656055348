import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'batch_index',
  categories: ['Message Info'],
  status: 'stable',
  description: 'Returns the index of the message in its batch, from 0.',
  params: [],
  examples: [['root.at = batch_index()', '{}', '{"at":0}']],
  create: () => call => BigInt(call.index),
})
