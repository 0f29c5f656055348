import { batchingField, defineInput, field } from '../../engine/index.ts'
import { BatchedSource } from './batched-source.ts'

export default defineInput({
  name: 'batched',
  categories: ['Utility'],
  summary: 'Collects the messages of an input into batches.',
  config: field.object({ child: field.input('The input.'), policy: batchingField }),
  composes: true,
  replays: false,
  async create(config, resources) {
    const child = await resources.input(config.child)
    const source = new BatchedSource(child, await resources.batcher(config.policy))
    return { read: signal => source.next(signal), close: () => source.close(), ending: child }
  },
})
