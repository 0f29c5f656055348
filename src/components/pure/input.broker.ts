import {
  batchingField,
  ConfigError,
  type Delivery,
  defineInput,
  field,
  type Input,
  type InputHandle,
} from '../../engine/index.ts'
import { BatchedSource, type Source } from './batched-source.ts'

export default defineInput({
  name: 'broker',
  categories: ['Utility'],
  summary: 'Merges the messages of several inputs.',
  config: field.object({
    copies: field.int('How many of each input there are.').default(1).advanced(),
    inputs: field.input('The inputs.').list(),
    batching: batchingField,
  }),
  composes: true,
  replays: false,
  async create(config, resources): Promise<Input> {
    if (config.inputs.length === 0) throw new ConfigError('attempting to create broker input type with no inputs')
    const children: InputHandle[] = []
    for (let copy = 0; copy < config.copies; copy++) {
      for (const child of config.inputs) children.push(await resources.input(copy === 0 ? child : child.fresh()))
    }
    const merged = new MergedSource(children)
    const { count, byte_size: bytes, period, check, processors } = config.batching
    const isBatching = count > 0 || bytes > 0 || period !== undefined || check !== null || (processors ?? []).length > 0
    if (!isBatching) return { read: signal => merged.next(signal) }
    const source = new BatchedSource(merged, await resources.batcher(config.batching))
    return { read: signal => source.next(signal), close: () => source.close() }
  },
})

/** Takes from whichever input has something; ends when all have ended. */
class MergedSource implements Source {
  readonly #active: Set<InputHandle>
  readonly #children: readonly InputHandle[]
  readonly #pending = new Map<InputHandle, Promise<readonly [InputHandle, Delivery | null]>>()

  constructor(children: readonly InputHandle[]) {
    this.#children = children
    this.#active = new Set(children)
  }

  async next(signal: AbortSignal): Promise<Delivery | null> {
    while (this.#active.size > 0) {
      for (const child of this.#active) {
        if (!this.#pending.has(child))
          this.#pending.set(
            child,
            child.next(signal).then(delivery => [child, delivery] as const),
          )
      }
      const [child, delivery] = await Promise.race(this.#pending.values())
      this.#pending.delete(child)
      if (delivery !== null) {
        // Whoever was served goes to the end of the line.
        this.#active.delete(child)
        this.#active.add(child)
        return delivery
      }
      this.#active.delete(child)
    }
    return null
  }

  onDrained(listener: () => void): void {
    for (const child of this.#children) child.onDrained(listener)
  }
}
