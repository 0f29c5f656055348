import { andThen, allMessages, defineProcessor, field, withMessages } from '../../engine/index.ts'

export default defineProcessor({
  name: 'for_each',
  categories: ['Composition'],
  summary: 'Runs processors on each message of a batch as if it came alone.',
  config: field.processors('The processors.').default([]),
  async create(children, resources) {
    const chain = await resources.chain(children)
    return {
      waits: chain.waits,
      effects: chain.effects,
      process: batch =>
        andThen(chain.run({ messages: batch.messages, solo: batch.messages.length > 1 }), results =>
          batch.solo ? results : withMessages(batch, allMessages(results)),
        ),
      close: () => chain.close(),
    }
  },
})
