import { messageOf } from '../../base/index.ts'
import type { Mapping } from '../../bloblang/index.ts'
import {
  type AckSome,
  Backoff,
  type Batch,
  type ComponentConfig,
  ConfigError,
  defineInput,
  type Delivery,
  field,
  type Input,
  type InputHandle,
  pause,
  type Resources,
} from '../../engine/index.ts'

export default defineInput({
  name: 'read_until',
  categories: ['Utility'],
  summary: 'Reads an input until a message passes a check, or until the input has been idle for a time.',
  description: 'The final message has the metadata `bento_read_until: final`.',
  config: field.object({
    input: field.input('The input.'),
    check: field
      .mapping('The condition that ends the input, true for the final message.')
      .examples('this.type == "foo"', 'count("messages") >= 100')
      .optional(),
    idle_timeout: field.duration('How long the input may be idle before it is ended.').examples('5s').optional(),
    restart_input: field.bool('Whether the inner input is restarted when it ends on its own.').default(false),
    restart_backoff: field.object({
      initial_interval: field.duration('The initial interval before a restart.').default('1ms').examples('50ms', '1s'),
      max_interval: field.duration('The maximum interval before a restart.').default('100ms').examples('5s', '1m'),
    }),
  }),
  composes: true,
  replays: false,
  async create(config, resources) {
    const check = config.check ?? null
    if (check === null && config.idle_timeout === undefined) {
      throw new ConfigError('it is required to set either check or idle_timeout')
    }
    return new ReadUntilInput(await resources.input(config.input), { ...config, check }, resources)
  },
})

interface Config {
  readonly input: ComponentConfig
  readonly check: Mapping | null
  readonly idle_timeout?: number | undefined
  readonly restart_input: boolean
  readonly restart_backoff: { readonly initial_interval: number | undefined; readonly max_interval: number | undefined }
}

class ReadUntilInput implements Input {
  #input: InputHandle | null
  readonly #config: Config
  readonly #resources: Resources
  readonly #backoff: Backoff
  /** Messages that were read together with a final message and follow it. */
  readonly #rest: Delivery[] = []
  #final: Promise<boolean> | null = null
  #done = false

  constructor(input: InputHandle, config: Config, resources: Resources) {
    this.#input = input
    this.#config = config
    this.#resources = resources
    const { initial_interval: initialMs = 1, max_interval: maxMs = 100 } = config.restart_backoff
    this.#backoff = new Backoff({ initialMs, maxMs }, () => resources.host.random())
  }

  async read(signal: AbortSignal): Promise<Delivery | null> {
    while (!this.#done && !signal.aborted) {
      if (this.#final !== null) {
        // The final message was handed out; its acknowledgement decides whether the input is done.
        this.#done = await Promise.race([this.#final, aborted(signal)])
        this.#final = null
        continue
      }
      // A rejected final message is redelivered before the messages that were read together with it.
      const isOwed = this.#input?.hasReplays === true
      const delivery = (isOwed ? undefined : this.#rest.shift()) ?? (await this.#take(signal))
      if (delivery !== null) return this.#inspect(delivery)
    }
    return null
  }

  /** The next delivery, or null if there is none yet or no more. */
  async #take(signal: AbortSignal): Promise<Delivery | null> {
    if (this.#input === null) {
      if (!this.#config.restart_input) {
        this.#done = true
        return null
      }
      await pause(this.#backoff.next() ?? 1000, signal)
      if (signal.aborted) return null
      this.#input = await this.#resources.input(this.#config.input.fresh())
    }
    const { idle_timeout: idleMs } = this.#config
    const timer = new AbortController()
    const pending = this.#input.next(signal)
    const delivery = await Promise.race([
      pending,
      ...(idleMs === undefined ? [] : [pause(idleMs, timer.signal).then(() => 'idle' as const)]),
    ])
    timer.abort()
    if (delivery === 'idle') {
      this.#resources.log.info('Idle timeout reached')
      this.#done = true
      return null
    }
    if (delivery === null) {
      await this.#input.close()
      this.#input = null
      return null
    }
    this.#backoff.reset()
    return delivery
  }

  #inspect(delivery: Delivery): Delivery {
    const { batches } = delivery
    const found = batches.findIndex(batch => this.#ends(batch))
    if (found === -1) return delivery
    const until = batches.slice(0, found + 1).flat()
    const rest = batches.slice(found + 1).flat()
    const settle: AckSome = (messages, error) => delivery.settle(messages, error)
    if (rest.length > 0) this.#rest.unshift(delivery.like(rest, settle))
    const [final] = batches[found]!
    let isArrived: (arrived: boolean) => void = () => undefined
    this.#final = new Promise(resolve => {
      isArrived = resolve
    })
    const first = delivery.like(until, async (messages, error) => {
      await delivery.settle(messages, error)
      if (messages.includes(final!)) isArrived(error === null)
    })
    return first.mapped(message => (message === final ? message.withMeta('bento_read_until', 'final') : message))
  }

  #ends(batch: Batch): boolean {
    const { check } = this.#config
    if (check === null) return false
    try {
      return check.check(batch, 0)
    } catch (error) {
      this.#resources.log.error(`Failed to execute check query: ${messageOf(error)}`)
      return false
    }
  }
}

function aborted(signal: AbortSignal): Promise<boolean> {
  return new Promise(resolve => signal.addEventListener('abort', () => resolve(true), { once: true }))
}
