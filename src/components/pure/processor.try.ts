import {
  allMessages,
  type Batch,
  type Chain,
  collected,
  defineProcessor,
  field,
  type MaybePromise,
  type Processor,
  withMessages,
} from '../../engine/index.ts'
import { processRuns } from './runs.ts'

export default defineProcessor({
  name: 'try',
  categories: ['Composition'],
  summary: 'Runs processors on each message until one fails.',
  description: 'A message that a processor flagged, or that arrived flagged, skips the processors that are left.',
  config: field.processors('The processors.').default([]),
  async create(children, resources) {
    return new TryProcessor(await resources.chain(children))
  },
})

class TryProcessor implements Processor {
  readonly #chain: Chain
  readonly waits: boolean
  readonly effects: boolean

  constructor(chain: Chain) {
    this.#chain = chain
    this.waits = chain.waits
    this.effects = chain.effects
  }

  process(batch: Batch): MaybePromise<readonly Batch[]> {
    const results = this.#from(0, [{ messages: batch.messages, solo: true }])
    const done = (batches: readonly Batch[]) => (batch.solo ? batches : withMessages(batch, allMessages(batches)))
    return results instanceof Promise ? results.then(done) : done(results)
  }

  close(): Promise<void> {
    return this.#chain.close()
  }

  #from(first: number, batches: readonly Batch[]): MaybePromise<readonly Batch[]> {
    let current = batches
    for (let i = first; i < this.#chain.processors.length; i++) {
      const processor = this.#chain.processors[i]!
      const results = step(processor, current)
      if (results instanceof Promise) return results.then(next => this.#from(i + 1, next))
      current = results
    }
    return current
  }
}

function step(processor: Processor, batches: readonly Batch[]): MaybePromise<readonly Batch[]> {
  const results = batches.map(batch => {
    // A batch that a processor made of one message is judged by its first.
    if (!batch.solo) return batch.messages[0]?.error ? [batch] : processor.process(batch)
    if (batch.messages.every(message => message.error === null)) return processor.process(batch)
    return processRuns(
      batch.messages,
      message => message.error === null,
      run => processor.process(run),
    )
  })
  return collected(results)
}
