import { defineFunction } from '../spec.ts'

export default defineFunction({
  name: 'batch_size',
  categories: ['Message Info'],
  status: 'stable',
  description: 'Returns the number of messages in the batch.',
  params: [],
  examples: [['root.of = batch_size()', '{}', '{"of":1}']],
  create: () => call => BigInt(call.batch.length),
})
