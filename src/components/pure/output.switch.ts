import type { Mapping } from '../../bloblang/index.ts'
import {
  type Batch,
  BatchError,
  ConfigError,
  defineOutput,
  eachMessage,
  field,
  type Output,
  type Resources,
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
    const failures = new Map<number, Error>()
    const routes = this.#route(batch, failures)
    await Promise.all(routes.map((indexes, number) => this.#deliver(batch, this.#cases[number]!, indexes, failures)))
    if (failures.size > 0) throw batch.messages.length === 1 ? [...failures.values()][0]! : new BatchError(failures)
  }

  /** The indexes of the messages for each case. */
  #route(batch: Batch, failures: Map<number, Error>): readonly (readonly number[])[] {
    const routes: number[][] = this.#cases.map(() => [])
    let position = 0
    eachMessage(batch, (_, view, index) => {
      let isRouted = false
      for (const [number, each] of this.#cases.entries()) {
        if (!this.#passes(each, number, view, index)) continue
        isRouted = true
        routes[number]!.push(position)
        if (!each.goesOn) break
      }
      if (!isRouted && this.#strict) {
        this.#resources.log.error(
          'Message failed to match against at least one output check with strict mode enabled, it will be nacked and/or re-processed',
        )
        // In a batch, one message without a case refuses all of it.
        if (!batch.solo) throw new Error(NO_MATCH)
        failures.set(position, new Error(NO_MATCH))
      }
      position++
    })
    return routes
  }

  #passes(each: Case, number: number, view: Batch['messages'], index: number): boolean {
    if (each.check === null) return true
    try {
      return each.check.check(view, index)
    } catch (error) {
      this.#resources.log.error(`Failed to test case ${number}: ${(error as { message: string }).message}`)
      return false
    }
  }

  async #deliver(batch: Batch, target: Case, indexes: readonly number[], failures: Map<number, Error>): Promise<void> {
    if (indexes.length === 0) return
    const messages = indexes.map(index => batch.messages[index]!)
    try {
      await target.write({ messages, solo: batch.solo && messages.length > 1 })
    } catch (error) {
      if (error instanceof BatchError)
        for (const [index, reason] of error.failures) failures.set(indexes[index]!, reason)
      else for (const index of indexes) failures.set(index, error as Error)
    }
  }
}

/** A case that always refuses would be tried again for ever. */
function retriedRejects(value: unknown): string | undefined {
  const { retry_until_success: retries, cases } = value as { retry_until_success?: unknown; cases?: unknown }
  if (retries !== true || !Array.isArray(cases)) return undefined
  const rejects = cases.some(each => {
    const output = (each as { output?: Record<string, unknown> | null }).output
    return output?.['type'] === 'reject' || typeof output?.['reject'] === 'string'
  })
  return rejects
    ? "a 'switch' output with a 'reject' case output must have the field 'switch.retry_until_success' set to 'false', otherwise the 'reject' child output will result in infinite retries"
    : undefined
}
