import { asError, messageOf, fieldsOf } from '../../base/index.ts'
import type { Mapping } from '../../bloblang/index.ts'
import {
  type Batch,
  ConfigError,
  defineOutput,
  failuresOf,
  field,
  type Message,
  type Output,
  type Resources,
  throwFailures,
} from '../../engine/index.ts'
import { forEver, RetryingWriter } from './retrying.ts'

const NO_MATCH = 'no switch output conditions were met by message'

export default defineOutput({
  name: 'switch',
  categories: ['Utility'],
  summary: 'Sends each message to the output of the first case whose check passes.',
  config: field
    .object({
      retry_until_success: field
        .bool('Whether a case is tried again until it delivers, instead of refusing the messages.')
        .default(false),
      strict_mode: field
        .bool('Whether a message that no case wants is refused instead of dropped.')
        .default(false)
        .advanced(),
      cases: field
        .object({
          check: field.mapping('A condition; none always passes.').default(''),
          output: field.output('Where the messages of the case go.'),
          continue: field.bool('Whether the cases behind are tried as well.').default(false).advanced(),
        })
        .list(),
    })
    .lint(retriedRejects),
  maxInFlight: 64,
  composes: true,
  async create(config, resources) {
    if (config.cases.length < 2) throw new ConfigError('attempting to create switch with fewer than 2 cases')
    const cases: Case[] = []
    for (const { check, output, continue: goesOn } of config.cases) {
      const handle = await resources.output(output)
      const writer = config.retry_until_success ? new RetryingWriter(handle, forEver, resources) : handle
      cases.push({ check, goesOn, write: batch => writer.write(batch) })
    }
    return new SwitchOutput(cases, config.strict_mode, resources)
  },
})

interface Case {
  readonly check: Mapping | null
  readonly goesOn: boolean
  write(batch: Batch): Promise<void>
}

class SwitchOutput implements Output {
  readonly #cases: readonly Case[]
  readonly #strict: boolean
  readonly #resources: Resources

  constructor(cases: readonly Case[], strict: boolean, resources: Resources) {
    this.#cases = cases
    this.#strict = strict
    this.#resources = resources
  }

  async write(batch: Batch): Promise<void> {
    const failures = new Map<Message, Error>()
    const deliver = async (target: Case, messages: Batch) => {
      try {
        if (messages.length > 0) await target.write(messages)
      } catch (error) {
        for (const [message, reason] of failuresOf(messages, asError(error))) failures.set(message, reason)
      }
    }
    const routes = this.#route(batch)
    await Promise.all(this.#cases.map((target, number) => deliver(target, routes[number]!)))
    throwFailures(batch, failures)
  }

  /** The messages for each case. Throws in strict mode where one of them has none: that refuses the batch. */
  #route(batch: Batch): readonly Batch[] {
    const routes: Message[][] = this.#cases.map(() => [])
    for (const [index, message] of batch.entries()) {
      let isRouted = false
      for (const [number, each] of this.#cases.entries()) {
        if (!this.#passes(each, number, batch, index)) continue
        isRouted = true
        routes[number]!.push(message)
        if (!each.goesOn) break
      }
      if (isRouted || !this.#strict) continue
      this.#resources.log.error(
        'Message failed to match against at least one output check with strict mode enabled, it will be nacked and/or re-processed',
      )
      throw new Error(NO_MATCH)
    }
    return routes
  }

  #passes(each: Case, number: number, batch: Batch, index: number): boolean {
    if (each.check === null) return true
    try {
      return each.check.check(batch, index)
    } catch (error) {
      this.#resources.log.error(`Failed to test case ${number}: ${messageOf(error)}`)
      return false
    }
  }
}

/** A case that always refuses would be retried indefinitely. */
function retriedRejects(value: unknown): string | undefined {
  const { retry_until_success: retries, cases } = fieldsOf(value)
  if (retries !== true || !Array.isArray(cases)) return undefined
  const rejects = cases.some(each => {
    const output = each.output
    return output?.['type'] === 'reject' || typeof output?.['reject'] === 'string'
  })
  return rejects
    ? "a 'switch' output with a 'reject' case output must have the field 'switch.retry_until_success' set to 'false', otherwise the 'reject' child output will result in infinite retries"
    : undefined
}
