import {
  andThen,
  type Batch,
  type Cache,
  ConfigError,
  defineProcessor,
  field,
  type MaybePromise,
  type Message,
  type Processor,
  type Resources,
  withMessages,
} from '../../engine/index.ts'

const MARK = Uint8Array.of(0x74)

export default defineProcessor({
  name: 'dedupe',
  categories: ['Utility'],
  summary: 'Drops messages whose key a cache has seen before.',
  config: field.object({
    cache: field.string('The cache resource that remembers keys.'),
    key: field.interpolated('The key.').examples('${! metadata("kafka_key") }', '${! content().hash("xxhash64") }'),
    drop_on_err: field.bool('Whether messages are dropped when the cache fails.').default(true),
    strategy: field
      .string('Which message of a key is kept.')
      .default('FIFO')
      .options({ FIFO: 'The first one.', LIFO: 'The last one of the batch.' })
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

  constructor(config: Config, resources: Resources) {
    this.#config = config
    this.#cache = resources.cache(config.cache)
    this.#resources = resources
  }

  process(batch: Batch): MaybePromise<readonly Batch[]> {
    const { length } = batch.messages
    const isLifo = this.#config.strategy === 'LIFO' && !batch.solo
    const kept: Message[] = []
    const alone: Message[] = []
    const from = (first: number): MaybePromise<void> => {
      for (let i = first; i < length; i++) {
        const index = isLifo ? length - 1 - i : i
        const message = batch.messages[index]!
        alone[0] = message
        const keep = this.#judge(message, batch.solo ? alone : batch.messages, batch.solo ? 0 : index)
        if (keep instanceof Promise) {
          return keep.then(result => {
            if (result !== null) kept.push(result)
            return from(i + 1)
          })
        }
        if (keep !== null) kept.push(keep)
      }
      return undefined
    }
    return andThen(from(0), () => withMessages(batch, isLifo ? kept.toReversed() : kept))
  }

  /** The message where it is kept, null where it is dropped. */
  #judge(message: Message, view: readonly Message[], index: number): MaybePromise<Message | null> {
    let key: string
    try {
      key = this.#config.key.eval(view, index)
    } catch (error) {
      // The original drops a message without a key, whatever `drop_on_err` says.
      this.#resources.noteError(`key interpolation error: ${(error as { message: string }).message}`)
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
    this.#resources.log.error(`Cache error: ${(error as { message: string }).message}`)
    return this.#config.drop_on_err ? null : this.#resources.fail(message, error)
  }
}
