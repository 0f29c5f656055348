import { asError, messageOf, fieldsOf } from '../../base/index.ts'
import type { Mapping } from '../../bloblang/index.ts'
import {
  type AckSome,
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
import { type Forwarder, joined } from './forwarding.ts'
import { forEver, RetryingWriter } from './retrying.ts'

const NO_MATCH = 'no switch output conditions were met by message'

export default defineOutput({
  name: 'switch',
  categories: ['Utility'],
  summary: 'Routes each message to the output of the first case whose check passes.',
  config: field
    .object({
      retry_until_success: field
        .bool('Whether a case is retried until it succeeds, instead of rejecting the messages.')
        .default(false),
      strict_mode: field
        .bool('Whether a message that matches no case is rejected instead of dropped.')
        .default(false)
        .advanced(),
      cases: field
        .object({
          check: field.mapping('The condition; without one the case always matches.').default(''),
          output: field.output('The output for messages of this case.'),
          continue: field
            .bool('Whether a matching message is also tested against the following cases.')
            .default(false)
            .advanced(),
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
      cases.push({ check, goesOn, writer })
    }
    return new SwitchOutput(cases, config.strict_mode, resources)
  },
})

interface Case {
  readonly check: Mapping | null
  readonly goesOn: boolean
  readonly writer: Forwarder
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
        if (messages.length > 0) await target.writer.write(messages)
      } catch (error) {
        for (const [message, reason] of failuresOf(messages, asError(error))) failures.set(message, reason)
      }
    }
    const routes = this.#route(batch)
    await Promise.all(this.#cases.map((target, number) => deliver(target, routes[number]!)))
    throwFailures(batch, failures)
  }

  forwardRun(run: readonly Message[], settle: AckSome): void {
    const routes: Message[][] = this.#cases.map(() => [])
    /** Number of targets of each message that goes to none or to several. */
    const targets = new Map<Message, number>()
    const unmatched: Message[] = []
    for (const message of run) {
      let count = 0
      this.#eachCase([message], 0, number => {
        count++
        routes[number]!.push(message)
      })
      if (count === 0) unmatched.push(message)
      else if (count > 1) targets.set(message, count)
    }
    const join = targets.size === 0 ? settle : joined(settle, message => targets.get(message) ?? 1)
    for (const [number, messages] of routes.entries()) {
      if (messages.length > 0) this.#cases[number]!.writer.forwardRun(messages, join)
    }
    if (unmatched.length === 0) return
    if (!this.#strict) void settle(unmatched, null)
    else for (const message of unmatched) void settle([message], this.#unmatched())
  }

  /** The messages for each case. In strict mode, throws if a message matches no case, which rejects the batch. */
  #route(batch: Batch): readonly Batch[] {
    const routes: Message[][] = this.#cases.map(() => [])
    for (const [index, message] of batch.entries()) {
      const isRouted = this.#eachCase(batch, index, number => routes[number]!.push(message))
      if (!isRouted && this.#strict) throw this.#unmatched()
    }
    return routes
  }

  /** Calls `visit` with the number of each case that a message goes to; returns whether there is one. */
  #eachCase(batch: Batch, index: number, visit: (number: number) => void): boolean {
    let isRouted = false
    for (let number = 0; number < this.#cases.length; number++) {
      const each = this.#cases[number]!
      if (!this.#passes(each, number, batch, index)) continue
      isRouted = true
      visit(number)
      if (!each.goesOn) break
    }
    return isRouted
  }

  #unmatched(): Error {
    this.#resources.log.error(
      'Message failed to match against at least one output check with strict mode enabled, it will be nacked and/or re-processed',
    )
    return new Error(NO_MATCH)
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

/** A case that always rejects would be retried indefinitely. */
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
