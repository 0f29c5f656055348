import { Float } from '../../bloblang/index.ts'
import {
  Backoff,
  type Batch,
  type Chain,
  ConfigError,
  defineProcessor,
  field,
  kept,
  type Message,
  type Processor,
  type Resources,
} from '../../engine/index.ts'

export default defineProcessor({
  name: 'retry',
  namesFailures: true,
  categories: ['Composition'],
  summary: 'Retries processors on each message until they succeed.',
  description: 'Results have the metadata `retry_count` and `backoff_duration` (nanoseconds).',
  config: field.object({
    backoff: field.object({
      initial_interval: field
        .duration('The interval before the first retry; later ones grow up to `max_interval`.')
        .default('500ms'),
      max_interval: field.duration('The maximum interval between retries.').default('10s'),
      max_elapsed_time: field.duration('How long to retry before giving up; 0 means indefinitely.').default('1m'),
    }),
    processors: field.processors('The processors.'),
    parallel: field.bool('Whether the messages of a batch are processed concurrently.').default(false),
    max_retries: field.int('The maximum number of attempts; 0 means no limit.').default(0),
  }),
  async create(config, resources) {
    if (config.processors.length === 0) throw new ConfigError('at least one child processor must be specified')
    return new RetryProcessor(await resources.chain(config.processors), config, resources)
  },
})

interface Config {
  readonly backoff: {
    readonly initial_interval: number | undefined
    readonly max_interval: number | undefined
    readonly max_elapsed_time: number | undefined
  }
  readonly parallel: boolean
  readonly max_retries: number
}

class RetryProcessor implements Processor {
  readonly #chain: Chain
  readonly #config: Config
  readonly #resources: Resources
  readonly waits = true
  readonly effects = true

  constructor(chain: Chain, config: Config, resources: Resources) {
    this.#chain = chain
    this.#config = config
    this.#resources = resources
  }

  async process(batch: Batch): Promise<readonly Batch[]> {
    if (this.#config.parallel) {
      const results = await Promise.all(batch.map(message => this.#attempt(message)))
      return kept(results.flat())
    }
    const messages: Message[] = []
    for (const message of batch) messages.push(...(await this.#attempt(message)))
    return kept(messages)
  }

  close(): Promise<void> {
    return this.#chain.close()
  }

  async #attempt(source: Message): Promise<readonly Message[]> {
    const { initial_interval, max_interval, max_elapsed_time } = this.#config.backoff
    const { host } = this.#resources
    const limits = {
      initialMs: initial_interval ?? 500,
      maxMs: max_interval ?? 10_000,
      maxElapsedMs: max_elapsed_time ?? 0,
    }
    const backoff = new Backoff(limits, () => host.random())
    const message = source.withError(null)
    let retries = 0
    let waitedMs = 0
    for (;;) {
      const results = (await this.#chain.process([message])).flat()
      const failed = results.some(result => result.error !== null)
      if (failed) retries++
      const waitMs = !failed || retries === this.#config.max_retries ? undefined : backoff.next()
      if (waitMs === undefined) return results.map(result => counted(result, retries, waitedMs))
      waitedMs += waitMs
      await this.#resources.wait(waitMs)
    }
  }
}

function counted(message: Message, retries: number, waitedMs: number): Message {
  const metadata = new Map(message.metadata)
  metadata.set('retry_count', BigInt(retries))
  metadata.set('backoff_duration', new Float(waitedMs * 1e6))
  return message.withMetadata(metadata)
}
