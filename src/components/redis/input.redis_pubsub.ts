import type { Buffer } from 'node:buffer'
import {
  autoReplayNacksField,
  defineInput,
  deliverEach,
  type Delivery,
  field,
  type Infer,
  type Input,
  Message,
  NotConnectedError,
  type Resources,
  Signal,
} from '../../engine/index.ts'
import { clientFields, type RedisClient, redisConnector } from './client.ts'

const config = field.object({
  ...clientFields,
  channels: field.string('The channels to subscribe to.').list(),
  use_patterns: field
    .bool(
      'Whether `channels` are patterns: `?` matches any character, `*` any number of characters, `[ab]` one of a set.',
    )
    .default(false),
  auto_replay_nacks: autoReplayNacksField,
})

/**
 * Maximum number of messages waiting to be read. The server applies no backpressure, so further messages are dropped,
 * and counted in the log.
 */
const maxWaiting = 100_000

/** Maximum number of messages delivered together. */
const maxRun = 1024

/** How often the connection is checked while no messages arrive, in milliseconds. */
const checkEveryMs = 250

export default defineInput({
  name: 'redis_pubsub',
  categories: ['Services'],
  summary: 'Subscribes to Redis channels.',
  description: `Only messages published while the stream is subscribed are received. Redis does not wait for slow subscribers: when ${maxWaiting} messages are waiting to be processed, further ones are dropped, and the log says how many.`,
  config,
  requires: ['redis'],
  needs: ['network'],
  create: (options, resources) => new RedisPubSubInput(options, resources),
})

class RedisPubSubInput implements Input {
  readonly #config: Infer<typeof config>
  readonly #resources: Resources
  readonly #connect: () => Promise<RedisClient>
  readonly #arrived = new Signal()
  #client: RedisClient | null = null
  #waiting: Buffer[] = []
  #dropped = 0

  constructor(options: Infer<typeof config>, resources: Resources) {
    this.#config = options
    this.#resources = resources
    this.#connect = redisConnector(options, resources)
  }

  async connect(): Promise<void> {
    this.#client?.close()
    const client = await this.#connect()
    this.#client = client
    await client.subscribe(this.#config.channels, this.#config.use_patterns, message => this.#take(message))
  }

  async read(signal: AbortSignal): Promise<Delivery | null> {
    const wake = () => this.#arrived.notify()
    signal.addEventListener('abort', wake, { once: true })
    const timer = setInterval(wake, checkEveryMs)
    try {
      while (this.#waiting.length === 0) {
        if (signal.aborted) return null
        if (this.#client === null || this.#client.isLost) throw new NotConnectedError()
        await this.#arrived.wait()
      }
    } finally {
      clearInterval(timer)
      signal.removeEventListener('abort', wake)
    }
    this.#reportDropped()
    return deliverEach(this.#waiting.splice(0, maxRun).map(message => Message.fromBytes(message)))
  }

  close(): void {
    this.#client?.close()
    this.#client = null
  }

  #take(message: Buffer): void {
    if (this.#waiting.length >= maxWaiting) this.#dropped++
    else this.#waiting.push(message)
    this.#arrived.notify()
  }

  #reportDropped(): void {
    if (this.#dropped === 0) return
    this.#resources.log.error(`Dropped ${this.#dropped} messages, as the stream is slower than their publishers`)
    this.#dropped = 0
  }
}
