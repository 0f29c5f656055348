import { messageOf } from '../../base/index.ts'
import {
  andThen,
  type Batch,
  type Chain,
  ConfigError,
  defineProcessor,
  field,
  isClosing,
  type MaybePromise,
  type Message,
  type Processor,
  type Resources,
} from '../../engine/index.ts'
import {
  type Branch,
  branchFields,
  type BranchResult,
  LostAnswersError,
  makeBranch,
  NoAnswerError,
  shareBranch,
} from './branching.ts'

export default defineProcessor({
  name: 'branch',
  categories: ['Composition'],
  summary: 'Processes a request derived from each message and maps the response back onto the message.',
  description: 'A message whose branch fails at any step is left unchanged and flagged as failed.',
  config: field.object(branchFields),
  examples: [
    {
      title: 'Shout a name',
      config:
        'branch:\n  request_map: root = this.name\n  processors:\n    - mapping: root = content().uppercase()\n  result_map: root.loud = content().string()\n',
      input: ['{"name":"foo"}'],
      output: ['{"loud":"FOO","name":"foo"}'],
    },
  ],
  async create(config, resources) {
    if (config.processors.length === 0)
      throw new ConfigError('the branch processor requires at least one child processor')
    const branch = await makeBranch(config, resources)
    shareBranch(branch, resources)
    return new BranchProcessor(branch, resources)
  },
})

class BranchProcessor implements Processor {
  readonly #branch: Branch
  readonly #resources: Resources
  readonly processRun: Processor['processRun']
  readonly waits: boolean
  readonly effects: boolean

  constructor(branch: Branch, resources: Resources) {
    this.#branch = branch
    this.#resources = resources
    const { chain, request, result } = branch.parts
    this.waits = chain.waits
    this.effects = chain.effects || request?.impure === true || result?.impure === true
    const { processRun } = chain
    // Side effects of the three parts must keep their order across messages.
    this.processRun = processRun === undefined || this.effects ? undefined : run => this.#processRun(run, processRun)
  }

  process(batch: Batch): MaybePromise<readonly Batch[]> {
    try {
      const results = this.#branch.ask(batch)
      if (!(results instanceof Promise)) return this.#finish(batch, results)
      return results.then(
        answers => this.#finish(batch, answers),
        (error: unknown) => this.#failAll(batch, error),
      )
    } catch (error) {
      return this.#failAll(batch, error)
    }
  }

  close(): Promise<void> {
    return this.#branch.close()
  }

  #processRun(run: readonly Message[], processRun: NonNullable<Chain['processRun']>): MaybePromise<readonly Message[]> {
    return andThen(this.#branch.askRun(run, processRun), results => {
      const overlaid = this.#branch.overlayRun(run, results)
      return overlaid.map((result, index) => {
        if (!(result instanceof Error)) return result
        return result instanceof NoAnswerError ? this.#fail(run[index]!, result) : this.#flag(run[index]!, result)
      })
    })
  }

  #finish(messages: readonly Message[], results: readonly BranchResult[]): readonly Batch[] {
    const overlaid = this.#branch.overlay(messages, results)
    return [overlaid.map((result, index) => (result instanceof Error ? this.#flag(messages[index]!, result) : result))]
  }

  #failAll(messages: readonly Message[], error: unknown): readonly Batch[] {
    if (isClosing(error)) throw error
    const text = messageOf(error)
    this.#branch.countFailure()
    this.#resources.log.error(
      error instanceof LostAnswersError && !(error instanceof NoAnswerError)
        ? `Failed to align branch result: ${text}. Filters and archives change the number of messages; use them before or after the branch`
        : `Child processors failed: ${text}`,
    )
    const known = error instanceof LostAnswersError ? error.outcome : []
    return [
      messages.map((message, index) => {
        const own = known[index]
        return own instanceof Error ? this.#flag(message, own) : this.#flag(message, new Error(text), false)
      }),
    ]
  }

  #fail(message: Message, error: Error): Message {
    this.#branch.countFailure()
    this.#resources.log.error(`Child processors failed: ${error.message}`)
    return this.#flag(message, error, false)
  }

  /** The error of a branch names no component, since the failure may have come from anywhere inside. */
  #flag(message: Message, error: Error, logs = true): Message {
    if (logs) this.#resources.log.error(`Branch error: ${error.message}`)
    return message.withError({ message: error.message, sourceLabel: null, sourcePath: null, sourceType: null })
  }
}
