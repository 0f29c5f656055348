import type { Mapping } from '../../bloblang/index.ts'
import {
  allMessages,
  type Batch,
  batchOf,
  type Chain,
  ConfigError,
  defineProcessor,
  eachBatch,
  field,
  firstOrigin,
  mergedOrigin,
  type MaybePromise,
  type Message,
  type Processor,
  type Resources,
} from '../../engine/index.ts'

export default defineProcessor({
  name: 'switch',
  categories: ['Composition'],
  summary: 'Runs the processors of the first case whose check passes.',
  description:
    'A message whose check fails to run is flagged and skips all cases. Messages of a batch that meet in one case are processed as a batch.',
  config: field
    .object({
      check: field.mapping('A condition; none always passes.').default(''),
      processors: field.processors('The processors of the case.').default([]),
      fallthrough: field.bool('Whether the processors of the next case run as well.').default(false),
    })
    .list(),
  async create(cases, resources) {
    const compiled: Case[] = []
    for (const { check, processors, fallthrough } of cases) {
      if (processors.length === 0) {
        throw new ConfigError('case has no processors, in order to have a no-op case use a `noop` processor')
      }
      compiled.push({ check, fallthrough, chain: await resources.chain(processors) })
    }
    return new SwitchProcessor(compiled, resources)
  },
})

interface Case {
  readonly check: Mapping | null
  readonly chain: Chain
  readonly fallthrough: boolean
}

class SwitchProcessor implements Processor {
  readonly #cases: readonly Case[]
  readonly #resources: Resources
  readonly waits: boolean
  readonly effects: boolean

  constructor(cases: readonly Case[], resources: Resources) {
    this.#cases = cases
    this.#resources = resources
    this.waits = cases.some(each => each.chain.waits)
    this.effects = cases.some(each => each.chain.effects || each.check?.impure === true)
  }

  process(batch: Batch): MaybePromise<readonly Batch[]> {
    return eachBatch(batch, messages => this.#route(messages))
  }

  async close(): Promise<void> {
    for (const { chain } of this.#cases) await chain.close()
  }

  #route(messages: readonly Message[]): MaybePromise<readonly Batch[]> {
    const rooted = messages.length === 1 ? messages : messages.map((message, index) => message.withOrigin(index))
    const done: Message[] = []
    const routed = this.#case(0, rooted, [], done)
    const finish = (): readonly Batch[] => {
      if (done.length === 0) return []
      if (messages.length === 1) return [batchOf(done)]
      // Everything comes back in the order in which it, or what it was made of, came.
      const sorted = done.toSorted((left, right) => firstOrigin(left.origin) - firstOrigin(right.origin))
      return [batchOf(sorted.map(message => message.withOrigin(outerOrigin(messages, message.origin))))]
    }
    return routed instanceof Promise ? routed.then(finish) : finish()
  }

  #case(
    index: number,
    remaining: readonly Message[],
    carried: readonly Message[],
    done: Message[],
  ): MaybePromise<void> {
    const current = this.#cases[index]
    if (current === undefined) {
      done.push(...carried, ...remaining)
      return undefined
    }
    const passed = [...carried]
    const failed: Message[] = []
    for (const [position, message] of remaining.entries()) {
      try {
        if (current.check === null || current.check.check(remaining, position)) passed.push(message)
        else failed.push(message)
      } catch (error) {
        const { message: text } = error as { message: string }
        this.#resources.log.error(`Failed to test case ${index}: ${text}`)
        this.#resources.noteError(`failed to test case ${index}: ${text}`)
        // The flag holds the failure of the check alone and names no component.
        done.push(message.withError({ message: text, sourceLabel: null, sourcePath: null, sourceType: null }))
      }
    }
    if (passed.length === 0) return this.#case(index + 1, failed, [], done)
    const results = current.chain.run(batchOf(passed))
    const proceed = (batches: readonly Batch[]) => {
      const processed = allMessages(batches)
      if (current.fallthrough) return this.#case(index + 1, failed, processed, done)
      done.push(...processed)
      return this.#case(index + 1, failed, [], done)
    }
    return results instanceof Promise ? results.then(proceed) : proceed(results)
  }
}

/** The origin that a message of the switch has for those outside of it. */
function outerOrigin(messages: readonly Message[], origin: number): number {
  const outer = messages[firstOrigin(origin)]?.origin ?? -1
  return origin < 0 ? mergedOrigin(outer) : outer
}
