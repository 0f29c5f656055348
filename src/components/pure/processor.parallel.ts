import { type Batch, defineProcessor, field, kept, Limiter } from '../../engine/index.ts'

export default defineProcessor({
  name: 'parallel',
  categories: ['Composition'],
  summary: 'Runs processors on the messages of a batch concurrently, each as if it were a batch of one.',
  config: field.object({
    cap: field.int('The maximum number of messages processed concurrently; 0 means the whole batch.').default(0),
    processors: field.processors('The processors.'),
  }),
  async create(config, resources) {
    const chain = await resources.chain(config.processors)
    return {
      waits: chain.waits,
      effects: chain.effects,
      async process(batch) {
        const limiter = new Limiter(config.cap > 0 ? Math.min(config.cap, batch.length) : batch.length)
        const results = await Promise.all(
          batch.map(async (message): Promise<readonly Batch[]> => {
            await limiter.enter()
            try {
              return await chain.process([message])
            } finally {
              limiter.leave()
            }
          }),
        )
        return kept(results.flat(2))
      },
      close: () => chain.close(),
    }
  },
})
