import { defineProcessor, field } from '../../engine/index.ts'

export default defineProcessor({
  name: 'processors',
  categories: ['Composition'],
  summary: 'Runs processors in sequence, as one processor.',
  config: field.processors('The processors.').default([]),
  async create(children, resources) {
    const chain = await resources.chain(children)
    return {
      waits: chain.waits,
      effects: chain.effects,
      process: batch => chain.process(batch),
      processRun: chain.processRun,
      close: () => chain.close(),
    }
  },
})
