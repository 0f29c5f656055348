import { messageOf } from '../../base/index.ts'
import {
  andThen,
  type Batch,
  type Cache,
  ConfigError,
  defineProcessor,
  field,
  kept,
  type MaybePromise,
  type Message,
  perMessage,
  type Processor,
  type Resources,
} from '../../engine/index.ts'

const MARK = Uint8Array.of(0x74)

export default defineProcessor({
  name: 'dedupe',
  namesFailures: true,
  categories: ['Utility'],
  summary: 'Drops messages whose key is already in a cache.',
  config: field.object({
    cache: field.string('The cache resource that stores the keys.'),
    key: field.interpolated('The key.').examples('${! metadata("kafka_key") }', '${! content().hash("xxhash64") }'),
    drop_on_err: field.bool('Whether messages are dropped when the cache fails.').default(true),
    strategy: field
      .string('Which message with a key is kept.')
      .default('FIFO')
      .options({ FIFO: 'The first one.', LIFO: 'The last one in the batch.' })
      .advanced(),
  }),
  create(config, resources) {
    if (config.key.static === '') throw new ConfigError('dedupe key must not be empty')
    return new DedupeProcessor(config, resources)
  },
})

interface Config {
  readonly cache: string
  readonly key: { eval(batch: readonly Message[], index: number): string }
  readonly drop_on_err: boolean
  readonly strategy: string
}

class DedupeProcessor implements Processor {
  readonly #config: Config
  readonly #cache: Cache
  readonly #resources: Resources
  readonly effects = true
  readonly #isLifo: boolean
  readonly #alone = perMessage((message, batch, index) => this.#judge(message, batch, index))

  constructor(config: Config, resources: Resources) {
    this.#config = config
    this.#cache = resources.cache(config.cache)
    this.#resources = resources
    this.#isLifo = config.strategy === 'LIFO'
  }

  process(batch: Batch): MaybePromise<readonly Batch[]> {
    return andThen(this.#judgeFrom(batch, 0, []), results => kept(this.#isLifo ? results.toReversed() : results))
  }

  processRun(run: readonly Message[]): MaybePromise<readonly (Message | null)[]> {
    return this.#alone.processRun(run)
  }

  /** The results in processing order, which for `LIFO` starts with the last message. */
  #judgeFrom(batch: Batch, first: number, results: (Message | null)[]): MaybePromise<readonly (Message | null)[]> {
    for (let i = first; i < batch.length; i++) {
      const index = this.#isLifo ? batch.length - 1 - i : i
      const result = this.#judge(batch[index]!, batch, index)
      if (result instanceof Promise) {
        return result.then(each => {
          results.push(each)
          return this.#judgeFrom(batch, i + 1, results)
        })
      }
      results.push(result)
    }
    return results
  }

  /** Returns the message if it is kept, null if it is dropped. */
  #judge(message: Message, view: readonly Message[], index: number): MaybePromise<Message | null> {
    let key: string
    try {
      key = this.#config.key.eval(view, index)
    } catch (error) {
      // The original drops a message without a key, whatever `drop_on_err` says.
      this.#resources.noteError(`key interpolation error: ${messageOf(error)}`)
      return null
    }
    try {
      const added = this.#cache.add(key, MARK)
      if (added instanceof Promise) {
        return added.then(
          isNew => (isNew ? message : null),
          (error: unknown) => this.#failed(message, error),
        )
      }
      return added ? message : null
    } catch (error) {
      return this.#failed(message, error)
    }
  }

  #failed(message: Message, error: unknown): Message | null {
    this.#resources.log.error(`Cache error: ${messageOf(error)}`)
    return this.#config.drop_on_err ? null : this.#resources.fail(message, error)
  }
}
