import { messageOf } from '../../base/index.ts'
import {
  autoReplayNacksField,
  ConfigError,
  defineInput,
  deliverBatch,
  deliverEach,
  type Delivery,
  field,
  type Input,
  Message,
  parseDuration,
  pause,
  type Resources,
} from '../../engine/index.ts'
import { DELETED, type Mapping, MetadataDraft, NOTHING } from '../../bloblang/index.ts'
import { nextTime, parseCron, type Schedule } from './cron.ts'

/** Without an interval this many messages are generated together, for efficiency. */
const BURST = 256

export default defineInput({
  name: 'generate',
  categories: ['Utility'],
  summary: 'Generates messages with a mapping.',
  config: field.object({
    mapping: field
      .mapping('The mapping that generates a message.')
      .examples('root = "hello world"', 'root = {"id": uuid_v4()}'),
    interval: field
      .string(
        'How often to generate: a duration, a cron expression (optionally with a time zone prefix such as `TZ=Europe/London `), or empty for as fast as possible.',
      )
      .default('1s')
      .examples('5s', '1m', '@every 1s', '0,30 */2 * * * *', 'TZ=Europe/London 30 3-6,20-23 * * *'),
    count: field.int('How many messages are generated before the input ends; 0 means no limit.').default(0),
    batch_size: field.int('How many messages are generated together, as one batch.').default(1),
    auto_replay_nacks: autoReplayNacksField,
  }),
  create(config, resources) {
    return new GenerateInput(config, resources)
  },
})

type Config = {
  readonly mapping: Mapping | null
  readonly interval: string
  readonly count: number
  readonly batch_size: number
}

class GenerateInput implements Input {
  readonly #config: Config
  readonly #resources: Resources
  readonly #intervalMs: number
  readonly #schedule: Schedule | null
  readonly #draft = new MetadataDraft()
  #remaining: number
  #dueAt: number | null = null

  constructor(config: Config, resources: Resources) {
    const { batch_size: batchSize } = config
    if (batchSize < 1) throw new ConfigError(`batch_size must be at least 1, not ${batchSize}`)
    this.#config = config
    this.#resources = resources
    this.#remaining = config.count
    const { intervalMs, schedule } = parseInterval(config.interval)
    this.#intervalMs = intervalMs
    this.#schedule = schedule
  }

  async read(signal: AbortSignal): Promise<Delivery | null> {
    const { count, batch_size: batchSize } = this.#config
    // A negative count is exhausted from the start.
    if (count !== 0 && this.#remaining <= 0) return null
    await this.#untilDue(signal)
    if (signal.aborted) return null
    const unhurried = this.#schedule !== null || this.#intervalMs > 0
    const size = count > 0 ? Math.min(batchSize, this.#remaining) : batchSize
    if (unhurried || batchSize !== 1) return deliverBatch(this.#make(size), () => undefined)
    const burst = count > 0 ? Math.min(BURST, this.#remaining) : BURST
    return deliverEach(this.#make(burst))
  }

  #make(size: number): readonly Message[] {
    const messages: Message[] = []
    for (let i = 0; i < size; i++) {
      const message = this.#one(messages)
      if (message !== null) messages.push(message)
    }
    this.#remaining -= messages.length
    return messages
  }

  /**
   * Generates one message, or null if the mapping deletes it. Throws if the mapping fails, unless others were generated
   * before.
   */
  #one(made: readonly Message[]): Message | null {
    const empty = Message.fromText('')
    this.#draft.reset(empty.metadata)
    try {
      const value = this.#config.mapping === null ? NOTHING : this.#config.mapping.run([empty], 0, this.#draft)
      if (value === DELETED) return null
      const metadata = this.#draft.current
      return value === NOTHING ? empty.withMetadata(metadata) : empty.withValueAndMetadata(value, metadata)
    } catch (error) {
      if (made.length === 0 || this.#config.batch_size > 1) throw error
      this.#resources.log.error(`Failed to read message: ${messageOf(error)}`)
      return null
    }
  }

  async #untilDue(signal: AbortSignal): Promise<void> {
    const { clock } = this.#resources
    if (this.#schedule !== null) {
      const from = Math.max(this.#dueAt ?? 0, clock.now())
      this.#dueAt = nextTime(this.#schedule, from)
      await pause(Math.max(0, this.#dueAt - clock.now()), signal)
      return
    }
    if (this.#intervalMs <= 0) return
    const now = clock.monotonic()
    if (this.#dueAt !== null && this.#dueAt > now) await pause(this.#dueAt - now, signal)
    // Missed ticks are skipped, as by a ticker.
    this.#dueAt = Math.max((this.#dueAt ?? now) + this.#intervalMs, clock.monotonic())
  }
}

function parseInterval(text: string): { intervalMs: number; schedule: Schedule | null } {
  if (text === '') return { intervalMs: 0, schedule: null }
  let why: string
  try {
    return { intervalMs: parseDuration(text), schedule: null }
  } catch (error) {
    why = messageOf(error)
  }
  try {
    return { intervalMs: 0, schedule: parseCron(text) }
  } catch (error) {
    throw new ConfigError(
      `failed to parse interval as duration string: ${why}, or as cron expression: ${messageOf(error)}`,
      {
        cause: error,
      },
    )
  }
}
