import { messageOf } from '../../base/index.ts'
import { DELETED, type Mapping, MetadataDraft, NOTHING } from '../../bloblang/index.ts'
import {
  andThen,
  type Batch,
  type Chain,
  type ComponentConfig,
  type Counter,
  field,
  type MaybePromise,
  Message,
  type Resources,
} from '../../engine/index.ts'

/** The configuration fields of a branch. */
export const branchFields = {
  request_map: field
    .mapping(
      'Creates the request from a copy of the message; without it the request is the message itself. `root = deleted()` excludes the message.',
    )
    .default('')
    .examples('root = {"id": this.doc.id}'),
  processors: field.processors('Processors applied to the requests.'),
  result_map: field
    .mapping('Maps the response (`this`) onto the message (`root`); without it the response is ignored.')
    .default('')
    .examples('root.enriched = this.result'),
} as const

interface BranchConfig {
  readonly request_map: Mapping | null
  readonly processors: readonly ComponentConfig[]
  readonly result_map: Mapping | null
}

/** Creates a branch from its configuration. */
export async function makeBranch(config: BranchConfig, resources: Resources): Promise<Branch> {
  const chain = await resources.chain(config.processors)
  return new Branch({ request: config.request_map, chain, result: config.result_map }, resources)
}

/** Makes a labelled branch available to workflows. */
export function shareBranch(branch: Branch, { label, shared }: Resources): void {
  if (label !== '') shared.set(`branch ${label}`, branch)
}

/** The branch with this label; undefined if there is none, or it has not been created yet. */
export function branchResource(label: string, { shared }: Resources): Branch | undefined {
  return shared.get(`branch ${label}`) as Branch | undefined // only this file uses the key
}

/** The mappings and processors of a branch. */
export interface BranchParts {
  readonly request: Mapping | null
  readonly chain: Chain
  readonly result: Mapping | null
}

/** The outcome of a message in a branch: the result to map onto it, an error, or null if it was skipped. */
export type BranchResult = Message | Error | null

/**
 * Runs a branch: maps each message to a request, processes the requests, and maps the responses back onto the messages.
 */
export class Branch {
  readonly #parts: BranchParts
  readonly #resources: Resources
  readonly #errors: Counter
  readonly #sent: Counter
  readonly #batchSent: Counter
  readonly #draft = new MetadataDraft()

  constructor(parts: BranchParts, resources: Resources) {
    this.#parts = parts
    this.#resources = resources
    this.#errors = resources.metrics.counter('processor_error')
    this.#sent = resources.metrics.counter('processor_sent')
    this.#batchSent = resources.metrics.counter('processor_batch_sent')
  }

  get parts(): BranchParts {
    return this.#parts
  }

  /**
   * Creates the requests and processes them. `skip` excludes messages. Throws if the processors fail as a whole or lose
   * messages.
   */
  ask(messages: readonly Message[], skip?: (index: number) => boolean): MaybePromise<readonly BranchResult[]> {
    const outcome: BranchResult[] = messages.map(() => null)
    const requests: Message[] = []
    const places: number[] = []
    for (let i = 0; i < messages.length; i++) {
      if (skip?.(i) === true) continue
      const request = this.#request(messages, i)
      if (request instanceof Error) outcome[i] = request
      else if (request !== null) {
        requests.push(request)
        places.push(i)
      }
    }
    if (requests.length === 0) return outcome
    const results = this.#parts.chain.process(requests)
    const finish = (batches: readonly Batch[]) => align(outcome, places, batches)
    return results instanceof Promise ? results.then(finish) : finish(results)
  }

  /** Like {@link ask}, for messages that each form their own batch and a chain that can process runs. */
  askRun(run: readonly Message[], processRun: NonNullable<Chain['processRun']>): MaybePromise<readonly BranchResult[]> {
    const outcome: BranchResult[] = []
    const requests: Message[] = []
    const places: number[] = []
    for (let i = 0; i < run.length; i++) {
      const request = this.#request([run[i]!], 0)
      if (request instanceof Error || request === null) {
        outcome.push(request)
        continue
      }
      outcome.push(null)
      requests.push(request)
      places.push(i)
    }
    if (requests.length === 0) return outcome
    return andThen(processRun(requests), answers => {
      for (let i = 0; i < answers.length; i++) {
        const answer = answers[i]!
        outcome[places[i]!] = answer === null ? new NoAnswerError() : answered(answer)
      }
      return outcome
    })
  }

  /** Maps the responses onto the messages; a message whose mapping fails yields the error. */
  overlay(messages: readonly Message[], results: readonly BranchResult[]): readonly (Message | Error)[] {
    const views = results.map(result => (result instanceof Error || result === null ? missing : result))
    return messages.map((message, index) => this.#overlayOne(message, results[index]!, views, index))
  }

  /** Like {@link overlay}, for messages that each form their own batch. */
  overlayRun(run: readonly Message[], results: readonly BranchResult[]): readonly (Message | Error)[] {
    return run.map((message, index) => {
      const result = results[index]!
      return this.#overlayOne(message, result, result instanceof Message ? [result] : [missing], 0)
    })
  }

  #overlayOne(message: Message, result: BranchResult, views: readonly Message[], index: number): Message | Error {
    const { result: mapping } = this.#parts
    if (result instanceof Error) return result
    if (result === null || mapping === null) return message
    const draft = this.#draft.reset(message.metadata)
    try {
      const value = mapping.patchOnto(message, views, index, draft)
      if (value === DELETED) return message
      return value === NOTHING
        ? message.withMetadata(draft.current)
        : message.withValueAndMetadata(value, draft.current)
    } catch (error) {
      this.#resources.noteError(error)
      return new Error(`result mapping failed: ${messageOf(error)}`)
    }
  }

  /** Counts a failure of the processors as a whole. */
  countFailure(): void {
    this.#errors.add(1)
  }

  /** Counts the messages that a workflow has mapped results onto; a `branch` processor is counted by the engine. */
  countSent(messages: number): void {
    this.#sent.add(messages)
    this.#batchSent.add(1)
  }

  close(): Promise<void> {
    return this.#parts.chain.close()
  }

  #request(messages: readonly Message[], index: number): Message | Error | null {
    const source = messages[index]!.withError(null)
    const { request } = this.#parts
    if (request === null) return source
    const draft = this.#draft.reset(source.metadata)
    try {
      const value = request.patch(messages, index, draft)
      if (value === DELETED) return null
      const empty = value === NOTHING ? source.withText('') : source.withValue(value)
      return empty.withMetadata(draft.current)
    } catch (error) {
      this.#resources.noteError(error)
      return new Error(`request mapping failed: ${messageOf(error)}`)
    }
  }
}

/** Stands in for a missing response, for mappings that access other messages of the batch. */
const missing = Message.fromText('')

/** Assigns the responses to the messages that the requests came from. Throws if their count changed. */
function align(outcome: BranchResult[], places: readonly number[], batches: readonly Batch[]): readonly BranchResult[] {
  if (batches.length === 0) throw new NoAnswerError(outcome)
  const answers = batches.flat()
  const settled = outcome.length - places.length
  if (answers.length !== places.length) {
    throw new LostAnswersError(
      `message count from branch processors does not match request, started with ${answers.length + settled} messages, finished with ${outcome.length}`,
      outcome,
    )
  }
  for (const [position, answer] of answers.entries()) {
    outcome[places[position]!] = answered(answer)
  }
  return outcome
}

/** The processors of a branch returned a different number of messages than they were given. */
export class LostAnswersError extends Error {
  /** The outcomes known before: the errors of messages that yielded no request. */
  readonly outcome: readonly BranchResult[]

  constructor(message: string, outcome: readonly BranchResult[]) {
    super(message)
    this.name = 'LostAnswersError'
    this.outcome = outcome
  }
}

/** The processors dropped everything. */
export class NoAnswerError extends LostAnswersError {
  constructor(outcome: readonly BranchResult[] = []) {
    super('child processors resulted in zero messages', outcome)
    this.name = 'NoAnswerError'
  }
}

function answered(answer: Message): Message | Error {
  const { error } = answer
  return error === null ? answer : new Error(`processors failed: ${error.message}`)
}
