import type { Value } from '../../bloblang/index.ts'
import {
  type ComponentConfig,
  ConfigError,
  defineInput,
  deliverBatch,
  type Delivery,
  type Ending,
  field,
  type Input,
  type InputHandle,
  Message,
  type Resources,
} from '../../engine/index.ts'
import { Joiner, type JoinOptions, type MergeStrategy } from './joining.ts'

export default defineInput({
  name: 'sequence',
  categories: ['Utility'],
  summary: 'Reads inputs one after another, each to its end, and optionally joins their documents by an id.',
  description:
    'With `sharded_join`, documents from all inputs that share an id are merged into one. Documents without a string at the id path are dropped. To join more data than fits in memory, increase `iterations`: the inputs are then read several times, each time for a fraction of the ids. The inputs are acknowledged before the joined documents are delivered.',
  config: field.object({
    sharded_join: field
      .object({
        type: field
          .string('How documents of different inputs are joined.')
          .default('none')
          .options({
            none: 'Not joined.',
            'full-outer': 'Every id yields a document, delivered at the end.',
            outer: 'Only documents of the last input are delivered, merged with matching documents of the others.',
            'full-outter': 'The same as `full-outer`.',
            outter: 'The same as `outer`.',
          })
          .advanced(),
        id_path: field.string('The path of the id by which documents are joined.').default('').advanced(),
        iterations: field
          .int('How often the inputs are read, each time for a fraction of the ids.')
          .default(1)
          .advanced(),
        merge_strategy: field
          .string('How a field that both documents have is merged.')
          .default('array')
          .options({
            array: 'Both values, as an array.',
            replace: 'The later value.',
            keep: 'The earlier value.',
          })
          .advanced(),
      })
      .advanced(),
    inputs: field.input('The inputs, in order.').list(),
  }),
  examples: [
    {
      title: 'Customers with their orders',
      config: `input:
  sequence:
    sharded_join:
      type: full-outer
      id_path: customer
      merge_strategy: array
    inputs:
      - csv:
          paths: [ ./customers.csv ]
      - file:
          paths: [ ./orders.jsonl ]
`,
    },
  ],
  composes: true,
  replays: false,
  create({ inputs, sharded_join: join }, resources) {
    if (inputs.length === 0) throw new ConfigError('requires at least one child input')
    const options = joinOptions(join)
    const chain = new InputChain(inputs, resources)
    return options === null
      ? { read: signal => chain.next(signal), ending: chain }
      : new JoinedInput(chain, new Joiner(options), resources)
  },
})

function joinOptions(join: {
  readonly type: string
  readonly id_path: string
  readonly iterations: number
  readonly merge_strategy: string
}): JoinOptions | null {
  if (join.type === 'none') return null
  if (join.id_path === '') throw new ConfigError('invalid sharded join config: the id path must not be empty')
  if (join.iterations <= 0) {
    throw new ConfigError(`invalid sharded join config: invalid number of iterations: ${join.iterations}`)
  }
  return {
    deliversLast: join.type === 'outer' || join.type === 'outter',
    idPath: join.id_path,
    iterations: join.iterations,
    strategy: join.merge_strategy as MergeStrategy, // restricted by the field's options
  }
}

/** Reads inputs one after another, repeatedly if rewound. */
class InputChain implements Ending {
  readonly #configs: readonly ComponentConfig[]
  readonly #resources: Resources
  #position = 0
  #current: InputHandle | null = null
  readonly #drainListeners: (() => void)[] = []

  constructor(configs: readonly ComponentConfig[], resources: Resources) {
    this.#configs = configs
    this.#resources = resources
  }

  /** Whether the latest delivery came from the last input. */
  get isLast(): boolean {
    return this.#position === this.#configs.length
  }

  get drained(): boolean {
    return this.isLast && this.#current?.drained === true
  }

  get hasReplays(): boolean {
    return this.#current?.hasReplays === true
  }

  onDrained(listener: () => void): void {
    this.#drainListeners.push(listener)
  }

  rewind(): void {
    this.#position = 0
  }

  async next(signal: AbortSignal): Promise<Delivery | null> {
    for (;;) {
      if (this.#current === null) {
        const config = this.#configs[this.#position]
        if (config === undefined) return null
        this.#position++
        this.#current = await this.#resources.input(config.fresh())
        for (const listener of this.#drainListeners) this.#current.onDrained(listener)
      }
      const delivery = await this.#current.next(signal)
      if (delivery !== null) return delivery
      await this.#current.close()
      this.#current = null
      if (signal.aborted) return null
    }
  }
}

/** Delivers the joined documents of a chain of inputs, one message at a time. */
class JoinedInput implements Input {
  readonly #chain: InputChain
  readonly #joiner: Joiner
  readonly #resources: Resources
  #ready: (readonly [Value, ReadonlyMap<string, Value>])[] = []
  #ended = false

  constructor(chain: InputChain, joiner: Joiner, resources: Resources) {
    this.#chain = chain
    this.#joiner = joiner
    this.#resources = resources
  }

  async read(signal: AbortSignal): Promise<Delivery | null> {
    for (;;) {
      const joined = this.#ready.shift()
      if (joined !== undefined) return this.#deliver(...joined)
      if (this.#ended) return null
      const delivery = await this.#chain.next(signal)
      if (signal.aborted) return null
      if (delivery === null) {
        this.#ready.push(...this.#joiner.finish())
        this.#ended = !this.#joiner.nextIteration()
        this.#chain.rewind()
        continue
      }
      for (const message of delivery.messages) {
        const joined = this.#joiner.add(message, this.#chain.isLast)
        if (joined !== null) this.#ready.push(joined)
      }
      await delivery.ack(null)
    }
  }

  /**
   * Messages that cannot be delivered are kept and redelivered, because their sources have already been acknowledged.
   */
  #deliver(document: Value, metadata: ReadonlyMap<string, Value>): Delivery {
    return deliverBatch([Message.fromValue(document, metadata)], error => {
      if (error === null) return
      this.#resources.log.error(`Failed to send joined message: ${error.message}`)
      this.#ready.push([document, metadata])
    })
  }
}
