import { messageOf } from '../../base/index.ts'
import type { Mapping } from '../../bloblang/index.ts'
import {
  allOf,
  andThen,
  type Batch,
  type Chain,
  ClosedError,
  ConfigError,
  defineProcessor,
  field,
  type MaybePromise,
  type Processor,
  type Resources,
} from '../../engine/index.ts'

export default defineProcessor({
  name: 'while',
  namesFailures: true,
  categories: ['Composition'],
  summary: 'Repeats processors while a check passes on the first message of the batch.',
  config: field.object({
    at_least_once: field.bool('Whether the processors run once before the first check.').default(false),
    max_loops: field.int('The maximum number of iterations; 0 means no limit.').default(0).advanced(),
    check: field
      .mapping('The condition to continue.')
      .default('')
      .examples('errored()', 'this.urls.unprocessed.length() > 0'),
    processors: field.processors('The processors.'),
  }),
  async create(config, resources) {
    if (config.check === null) throw new ConfigError('a check query is required')
    return new WhileProcessor(config.check, await resources.chain(config.processors), config, resources)
  },
})

class WhileProcessor implements Processor {
  readonly #check: Mapping
  readonly #chain: Chain
  readonly #limits: { readonly at_least_once: boolean; readonly max_loops: number }
  readonly #resources: Resources
  readonly waits: boolean
  readonly effects: boolean
  #closed = false

  constructor(
    check: Mapping,
    chain: Chain,
    limits: { readonly at_least_once: boolean; readonly max_loops: number },
    resources: Resources,
  ) {
    this.#check = check
    this.#chain = chain
    this.#limits = limits
    this.#resources = resources
    this.waits = chain.waits
    this.effects = chain.effects
  }

  process(batch: Batch): MaybePromise<readonly Batch[]> {
    return this.#loop([batch], 0)
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#chain.close()
  }

  #loop(batches: readonly Batch[], first: number): MaybePromise<readonly Batch[]> {
    let current = batches
    for (let loops = first; this.#goesOn(current, loops); loops++) {
      const results = runAll(this.#chain, current)
      if (results instanceof Promise) {
        return results.then(next => (next.length === 0 ? next : this.#loop(next, loops + 1)))
      }
      if (results.length === 0) return results
      current = results
    }
    return current
  }

  #goesOn(batches: readonly Batch[], loops: number): boolean {
    if (this.#closed || this.#resources.signal.aborted) throw new ClosedError()
    const { max_loops: maxLoops, at_least_once: atLeastOnce } = this.#limits
    if (!(atLeastOnce && loops === 0) && !this.#passes(batches[0]!)) return false
    return maxLoops === 0 || loops < maxLoops
  }

  #passes(batch: Batch): boolean {
    try {
      return this.#check.check(batch, 0)
    } catch (error) {
      this.#resources.log.error(`Query failed for loop: ${messageOf(error)}`)
      return false
    }
  }
}

function runAll(chain: Chain, batches: readonly Batch[]): MaybePromise<readonly Batch[]> {
  if (batches.length === 1) return chain.process(batches[0]!)
  return andThen(allOf(batches.map(batch => chain.process(batch))), results => results.flat())
}
