import { asError, messageOf } from '../../base/index.ts'
import type { Value } from '../../bloblang/index.ts'
import {
  type Batch,
  ConfigError,
  type Counter,
  defineProcessor,
  field,
  isClosing,
  type MaybePromise,
  type Message,
  type Processor,
  type Resources,
} from '../../engine/index.ts'
import { type Branch, type BranchResult, branchFields, branchResource, makeBranch } from './branching.ts'
import { pathParts, valueAt, withValueAt } from './paths.ts'
import { dependencyTiers, describeTiers, type Tiers, verifyTiers } from './workflow-order.ts'

export default defineProcessor({
  name: 'workflow',
  categories: ['Composition'],
  summary: 'Runs branches in an order derived from what they read and write, concurrently where possible.',
  description:
    'Each branch is a `branch` processor. Unless an explicit order is given, a branch runs after all branches whose `result_map` writes what its `request_map` reads. A message passes on whatever the outcome of its branches: a record at `meta_path` lists those that `succeeded`, were `skipped`, or `failed` and why. For a message that already has such a record, only branches that did not succeed are run, and the old record is kept as `previous`.',
  config: field.object({
    meta_path: field
      .string(
        'Where in the message the record of the run is stored; with an empty path there is no record, and messages are flagged as failed instead.',
      )
      .default('meta.workflow'),
    order: field
      .string('An explicit order: tiers of branch names, run one tier after another.')
      .listOfLists()
      .default([])
      .examples([['foo', 'bar'], ['baz']], [['foo'], ['bar'], ['baz']]),
    branch_resources: field.string('Labels of `branch` processor resources to include.').list().default([]).advanced(),
    branches: field.object(branchFields, 'Branches by name.').map().default({}),
  }),
  examples: [
    {
      title: 'A branch that depends on another',
      config: `workflow:
  meta_path: ''
  branches:
    sum:
      request_map: root = this.net + this.tax
      processors:
        - noop: {}
      result_map: root.sum = this
    tax:
      request_map: root = this.net / 10
      processors:
        - noop: {}
      result_map: root.tax = this
`,
      input: ['{"net":20}'],
      output: ['{"net":20,"sum":22,"tax":2}'],
    },
  ],
  async create(config, resources) {
    const own = new Map<string, Branch>()
    for (const [name, parts] of Object.entries(config.branches)) {
      if (!/^[a-zA-Z0-9_-]+$/.test(name)) {
        throw new ConfigError(`workflow branch name '${name}' contains invalid characters`)
      }
      own.set(name, await makeBranch(parts, resourcesOf(name, resources)))
    }
    const shared = new Set<string>()
    const share = (label: string) => {
      if (!resources.hasResource('processor', label)) {
        throw new ConfigError(`processor resource '${label}' was not found`)
      }
      shared.add(label)
    }
    for (const label of config.branch_resources) {
      if (own.has(label)) throw new ConfigError(`branch resource name '${label}' collides with an explicit branch`)
      share(label)
    }
    for (const name of config.order.flat()) if (!own.has(name)) share(name)
    let tiers: Tiers | null = null
    if (config.order.length > 0) {
      verifyTiers(config.order, [...own.keys(), ...shared])
      tiers = config.order
    } else if (shared.size === 0) {
      tiers = dependencyTiers(own)
      resources.log.info(`Automatically resolved workflow DAG: ${describeTiers(tiers)}`)
    }
    return new Workflow({ own, shared, tiers, metaPath: pathParts(config.meta_path) }, resources)
  },
})

/** The resources of an inline branch. All series of a processor exist for it, but only results and errors are counted. */
function resourcesOf(name: string, resources: Resources): Resources {
  const own = resources.part(`workflow.branches.${name}`)
  own.metrics.counter('processor_received')
  own.metrics.counter('processor_batch_received')
  own.metrics.timer('processor_latency_ns')
  return own
}

interface Plan {
  readonly own: ReadonlyMap<string, Branch>
  /** Labels of resources, which are looked up when messages arrive because they may be created later. */
  readonly shared: ReadonlySet<string>
  readonly tiers: Tiers | null
  readonly metaPath: readonly string[]
}

/** The outcome of the branches of one message. */
interface Progress {
  readonly succeeded: Set<string>
  readonly skipped: Set<string>
  readonly failed: Map<string, string>
}

class Workflow implements Processor {
  readonly #plan: Plan
  readonly #resources: Resources
  readonly #errors: Counter
  readonly waits: boolean
  readonly effects = true

  constructor(plan: Plan, resources: Resources) {
    this.#plan = plan
    this.#resources = resources
    this.#errors = resources.metrics.counter('processor_error')
    this.waits = plan.shared.size > 0 || [...plan.own.values()].some(({ parts }) => parts.chain.waits)
  }

  process(batch: Batch): MaybePromise<readonly Batch[]> {
    return this.#run(batch)
  }

  async close(): Promise<void> {
    for (const branch of this.#plan.own.values()) await branch.close()
  }

  async #run(messages: readonly Message[]): Promise<readonly Batch[]> {
    let branches: ReadonlyMap<string, Branch>
    let tiers: Tiers
    try {
      branches = this.#branches()
      tiers = this.#plan.tiers ?? dependencyTiers(branches)
    } catch (error) {
      this.#errors.add(1)
      this.#resources.log.error(`Failed to establish workflow: ${messageOf(error)}`)
      return [messages.map(message => flagged(message, messageOf(error)))]
    }
    const names = tiers.flat()
    const progress = messages.map(() => ({ succeeded: new Set(names), skipped: new Set<string>(), failed: new Map() }))
    const skips = messages.map(message => this.#doneBefore(message, branches))
    let current = messages
    for (const tier of tiers) current = await this.#runTier(tier, branches, current, progress, skips)
    return [current.map((message, index) => this.#record(message, progress[index]!))]
  }

  /**
   * The branches of a tier process their requests concurrently; their responses are mapped onto the messages in tier
   * order.
   */
  async #runTier(
    tier: readonly string[],
    branches: ReadonlyMap<string, Branch>,
    messages: readonly Message[],
    progress: readonly Progress[],
    skips: readonly ReadonlySet<string>[],
  ): Promise<readonly Message[]> {
    const asked = await Promise.all(
      tier.map(async name => {
        try {
          return await branches.get(name)!.ask(messages, index => skips[index]!.has(name))
        } catch (error) {
          if (isClosing(error)) throw error
          branches.get(name)!.countFailure()
          return asError(error)
        }
      }),
    )
    let current = messages
    for (const [position, name] of tier.entries()) {
      const results = asked[position]!
      if (results instanceof Error) {
        this.#errors.add(1)
        this.#resources.log.error(`Failed to perform enrichment '${name}': ${results.message}`)
        for (const each of progress) fail(each, name, results.message)
        continue
      }
      const branch = branches.get(name)!
      current = overlay(branch, name, current, results, progress)
      branch.countSent(messages.length)
    }
    return current
  }

  #branches(): ReadonlyMap<string, Branch> {
    const { own, shared } = this.#plan
    if (shared.size === 0) return own
    const branches = new Map(own)
    for (const label of shared) {
      const branch = branchResource(label, this.#resources)
      if (branch === undefined) throw new Error(`missing branch resource: ${label}`)
      branches.set(label, branch)
    }
    return branches
  }

  /** The branches to leave out because of the record of an earlier run. */
  #doneBefore(message: Message, branches: ReadonlyMap<string, Branch>): ReadonlySet<string> {
    const done = new Set<string>()
    const { metaPath } = this.#plan
    if (metaPath.length === 0) return done
    const names = (key: string): readonly string[] => {
      const list = valueAt(message.structured(), [...metaPath, key])
      return Array.isArray(list) ? list.map(name => (typeof name === 'string' ? name : '')) : []
    }
    try {
      const applied = names('apply')
      if (applied.length > 0) {
        for (const name of branches.keys()) if (!applied.includes(name)) done.add(name)
      }
      for (const name of [...names('succeeded'), ...names('skipped')]) if (branches.has(name)) done.add(name)
    } catch (error) {
      this.#resources.log.debug(`No record of an earlier run: ${messageOf(error)}`)
    }
    return done
  }

  #record(message: Message, { succeeded, skipped, failed }: Progress): Message {
    const { metaPath } = this.#plan
    if (metaPath.length === 0) {
      return failed.size === 0
        ? message
        : flagged(message, `workflow branches failed: [${[...failed.keys()].toSorted().join(' ')}]`)
    }
    try {
      const document = message.structured()
      const previous = valueAt(document, metaPath) ?? null
      const record: Record<string, Value> = {}
      if (succeeded.size > 0) record['succeeded'] = [...succeeded].toSorted()
      if (skipped.size > 0) record['skipped'] = [...skipped].toSorted()
      if (failed.size > 0) record['failed'] = Object.fromEntries(failed)
      if (previous !== null) record['previous'] = previous
      return message.withDocument(withValueAt(document, metaPath, record))
    } catch (error) {
      const text = messageOf(error)
      this.#errors.add(1)
      this.#resources.log.error(`Failed to parse message for meta update: ${text}`)
      return flagged(message, text)
    }
  }
}

function overlay(
  branch: Branch,
  name: string,
  messages: readonly Message[],
  results: readonly BranchResult[],
  progress: readonly Progress[],
): readonly Message[] {
  return branch.overlay(messages, results).map((outcome, index) => {
    const each = progress[index]!
    if (outcome instanceof Error) {
      fail(each, name, outcome.message)
      return messages[index]!
    }
    if (results[index] === null) {
      each.succeeded.delete(name)
      each.skipped.add(name)
    }
    return outcome
  })
}

function fail(progress: Progress, name: string, reason: string): void {
  progress.succeeded.delete(name)
  progress.skipped.delete(name)
  progress.failed.set(name, reason)
}

/** The error of a workflow names no component, since the failure may have come from anywhere inside. */
function flagged(message: Message, text: string): Message {
  return message.withError({ message: text, sourceLabel: null, sourcePath: null, sourceType: null })
}
