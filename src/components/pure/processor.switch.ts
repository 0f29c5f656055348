import { messageOf } from '../../base/index.ts'
import type { Mapping } from '../../bloblang/index.ts'
import {
  andThen,
  type Batch,
  type Chain,
  ConfigError,
  defineProcessor,
  field,
  kept,
  type MaybePromise,
  type Message,
  type Processor,
  type Resources,
  Tracing,
} from '../../engine/index.ts'

export default defineProcessor({
  name: 'switch',
  namesFailures: true,
  categories: ['Composition'],
  summary: 'Runs the processors of the first case whose check passes.',
  description:
    'A message whose check raises an error is flagged as failed and skips all cases. Messages of a batch that match the same case are processed as a batch.',
  config: field
    .object({
      check: field.mapping('The condition; without one the case always matches.').default(''),
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
    return this.#route(batch)
  }

  async close(): Promise<void> {
    for (const { chain } of this.#cases) await chain.close()
  }

  #route(batch: Batch): MaybePromise<readonly Batch[]> {
    const done: Message[] = []
    if (batch.length === 1) return andThen(this.#case(0, batch, [], done), () => kept(done))
    // Results are returned in the order of their source messages.
    const tracing = new Tracing(batch)
    return andThen(this.#case(0, tracing.messages, [], done), () => kept(tracing.inOrder(done)))
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
        const text = messageOf(error)
        this.#resources.log.error(`Failed to test case ${index}: ${text}`)
        this.#resources.noteError(`failed to test case ${index}: ${text}`)
        // The error of a check names no component.
        done.push(message.withError({ message: text, sourceLabel: null, sourcePath: null, sourceType: null }))
      }
    }
    if (passed.length === 0) return this.#case(index + 1, failed, [], done)
    const results = current.chain.process(passed)
    const proceed = (batches: readonly Batch[]) => {
      const processed = batches.flat()
      if (current.fallthrough) return this.#case(index + 1, failed, processed, done)
      done.push(...processed)
      return this.#case(index + 1, failed, [], done)
    }
    return results instanceof Promise ? results.then(proceed) : proceed(results)
  }
}
