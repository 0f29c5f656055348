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
    copies: field.int('The number of instances of each input.').default(1).advanced(),
    inputs: field.input('The inputs.').list(),
    batching: batchingField,
  }),
  composes: true,
  replays: false,
  async create(config, resources): Promise<Input> {
    if (config.inputs.length === 0) throw new ConfigError('attempting to create broker input type with no inputs')
    const children: InputHandle[] = []
    // Each input exists at least once, as in the original.
    for (let copy = 0; copy < Math.max(1, config.copies); copy++) {
      for (const child of config.inputs) children.push(await resources.input(copy === 0 ? child : child.fresh()))
    }
    const merged = new MergedSource(children)
    const { count, byte_size: bytes, period, check, processors } = config.batching
    const isBatching = count > 0 || bytes > 0 || period !== undefined || check !== null || (processors ?? []).length > 0
    if (!isBatching) return { read: signal => merged.next(signal), ending: merged }
    const source = new BatchedSource(merged, await resources.batcher(config.batching))
    return { read: signal => source.next(signal), close: () => source.close(), ending: merged }
  },
})

/** Reads from whichever input has a delivery, in order of arrival; ends when all inputs have ended. */
class MergedSource implements Source {
  readonly #children: readonly InputHandle[]
  /** Inputs that have not ended. */
  readonly #active: Set<InputHandle>
  /** Inputs with a pending read or a delivery among the arrivals. */
  readonly #reading = new Set<InputHandle>()
  readonly #arrivals: { readonly child: InputHandle; readonly delivery: Promise<Delivery | null> }[] = []
  #wake = (): void => undefined

  constructor(children: readonly InputHandle[]) {
    this.#children = children
    this.#active = new Set(children)
  }

  async next(signal: AbortSignal): Promise<Delivery | null> {
    while (this.#active.size > 0) {
      for (const child of this.#active) if (!this.#reading.has(child)) this.#read(child, signal)
      const arrival = this.#arrivals.shift()
      if (arrival === undefined) {
        // Not a `Promise.race` of all reads: each round would add a reaction to the promise of an input that may be
        // idle for days.
        await new Promise<void>(resolve => (this.#wake = resolve))
        continue
      }
      this.#reading.delete(arrival.child)
      const delivery = await arrival.delivery
      if (delivery !== null) return delivery
      this.#active.delete(arrival.child)
    }
    return null
  }

  get drained(): boolean {
    return this.#children.every(child => child.drained)
  }

  get hasReplays(): boolean {
    return this.#children.some(child => child.hasReplays)
  }

  onDrained(listener: () => void): void {
    for (const child of this.#children) child.onDrained(listener)
  }

  #read(child: InputHandle, signal: AbortSignal): void {
    this.#reading.add(child)
    const delivery = child.next(signal)
    const arrive = () => {
      this.#arrivals.push({ child, delivery })
      this.#wake()
    }
    delivery.then(arrive, arrive)
  }
}
