import { allMessages, andThen, defineProcessor, field, withMessages } from '../../engine/index.ts'
import { processRuns } from './runs.ts'

export default defineProcessor({
  name: 'catch',
  categories: ['Composition'],
  summary: 'Runs processors on messages that failed, and takes their flag away.',
  config: field.processors('The processors; none at all only takes the flag away.').default([]),
  async create(children, resources) {
    const chain = await resources.chain(children)
    return {
      waits: chain.waits,
      effects: chain.effects,
      process(batch) {
        if (batch.messages.every(message => message.error === null)) return [batch]
        const results = processRuns(
          batch.messages,
          message => message.error !== null,
          run => chain.run(run),
        )
        return andThen(results, batches => {
          const cleared = batches.map(each => ({
            ...each,
            messages: each.messages.map(message => message.withError(null)),
          }))
          return batch.solo ? cleared : withMessages(batch, allMessages(cleared))
        })
      },
      close: () => chain.close(),
    }
  },
})
