import { allMessages, type Batch, batchOf, defineProcessor, field, joinSolo, Limiter } from '../../engine/index.ts'

export default defineProcessor({
  name: 'parallel',
  categories: ['Composition'],
  summary: 'Runs processors on the messages of a batch at the same time, each as if it came alone.',
  config: field.object({
    cap: field.int('The most messages at a time; 0 for all of the batch.').default(0),
    processors: field.processors('The processors.'),
  }),
  async create(config, resources) {
    const chain = await resources.chain(config.processors)
    return {
      waits: chain.waits,
      effects: chain.effects,
      async process(batch) {
        const { length } = batch.messages
        const limiter = new Limiter(config.cap === 0 ? length : Math.min(config.cap, length))
        const results = await Promise.all(
          batch.messages.map(async (message): Promise<readonly Batch[]> => {
            await limiter.enter()
            try {
              return await chain.run(batchOf([message]))
            } finally {
              limiter.leave()
            }
          }),
        )
        if (batch.solo)
          return joinSolo(results.flatMap(each => (each.length === 0 ? [] : [batchOf(allMessages(each))])))
        const messages = results.flatMap(each => [...allMessages(each)])
        return messages.length === 0 ? [] : [batchOf(messages)]
      },
      close: () => chain.close(),
    }
  },
})
