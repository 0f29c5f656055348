import { andThen, defineProcessor, field, kept } from '../../engine/index.ts'

export default defineProcessor({
  name: 'for_each',
  categories: ['Composition'],
  summary: 'Runs processors on each message of a batch as if it were a batch of one.',
  config: field.processors('The processors.').default([]),
  async create(children, resources) {
    const chain = await resources.chain(children)
    return {
      waits: chain.waits,
      effects: chain.effects,
      process: batch => andThen(chain.processEach(batch), results => kept(results.flat(2))),
      processRun: chain.processRun,
      close: () => chain.close(),
    }
  },
})
