import { andThen, type Chain, defineProcessor, field, kept, type Message, type Processor } from '../../engine/index.ts'
import { processWhere } from './runs.ts'

export default defineProcessor({
  name: 'catch',
  categories: ['Composition'],
  summary: 'Runs processors on messages that failed, and clears their error.',
  config: field.processors('The processors; an empty list only clears the error.').default([]),
  async create(children, resources) {
    const chain = await resources.chain(children)
    return {
      waits: chain.waits,
      effects: chain.effects,
      process(batch) {
        const failed = batch.filter(isFailed)
        if (failed.length === 0) return [batch]
        return andThen(chain.processEach(failed), results => {
          let next = 0
          const messages = batch.flatMap(message => (isFailed(message) ? results[next++]!.flat() : [message]))
          return kept(messages.map(message => message.withError(null)))
        })
      },
      processRun: runOf(chain),
      close: () => chain.close(),
    }
  },
})

function runOf({ processRun }: Chain): Processor['processRun'] {
  if (processRun === undefined) return undefined
  return run =>
    andThen(processWhere(processRun, run, isFailed), results =>
      results.map(message => message?.withError(null) ?? null),
    )
}

function isFailed(message: Message): boolean {
  return message.error !== null
}
