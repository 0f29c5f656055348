import {
  allOf,
  andThen,
  type Batch,
  type Chain,
  defineProcessor,
  field,
  kept,
  type MaybePromise,
  type Message,
  type Processor,
} from '../../engine/index.ts'
import { processWhere } from './runs.ts'

export default defineProcessor({
  name: 'try',
  categories: ['Composition'],
  summary: 'Runs processors on each message until one of them fails.',
  description: 'A message flagged as failed, by one of the processors or on arrival, skips the remaining processors.',
  config: field.processors('The processors.').default([]),
  async create(children, resources) {
    return new TryProcessor(await resources.chain(children))
  },
})

class TryProcessor implements Processor {
  readonly #chain: Chain
  readonly processRun: Processor['processRun']
  readonly waits: boolean
  readonly effects: boolean

  constructor(chain: Chain) {
    this.#chain = chain
    this.processRun = chain.processRun === undefined ? undefined : run => this.#runFrom(0, run)
    this.waits = chain.waits
    this.effects = chain.effects
  }

  process(batch: Batch): MaybePromise<readonly Batch[]> {
    const alone = batch.map(message => [message])
    return andThen(this.#from(0, alone), batches => kept(batches.flat()))
  }

  close(): Promise<void> {
    return this.#chain.close()
  }

  #from(first: number, batches: readonly Batch[]): MaybePromise<readonly Batch[]> {
    let current = batches
    for (let i = first; i < this.#chain.processors.length; i++) {
      const results = step(this.#chain.processors[i]!, current)
      if (results instanceof Promise) return results.then(next => this.#from(i + 1, next))
      current = results
    }
    return current
  }

  #runFrom(first: number, run: readonly (Message | null)[]): MaybePromise<readonly (Message | null)[]> {
    let current = run
    for (let i = first; i < this.#chain.processors.length; i++) {
      const processor = this.#chain.processors[i]!
      const results = processWhere(each => processor.processRun!(each), current, isGood)
      if (results instanceof Promise) return results.then(next => this.#runFrom(i + 1, next))
      current = results
    }
    return current
  }
}

function isGood(message: Message): boolean {
  return message.error === null
}

/** Runs one processor over all batches. A batch that grew out of a single message is judged by its first message. */
function step(processor: Processor, batches: readonly Batch[]): MaybePromise<readonly Batch[]> {
  const results = batches.map(batch => (isGood(batch[0]!) ? processor.process(batch) : [batch]))
  return andThen(allOf(results), each => each.flat())
}
