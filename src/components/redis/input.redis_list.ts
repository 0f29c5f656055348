import { Buffer } from 'node:buffer'
import {
  autoReplayNacksField,
  defineInput,
  deliverBatch,
  type Delivery,
  field,
  type Infer,
  type Input,
  Limiter,
  Message,
  NotConnectedError,
  type Resources,
} from '../../engine/index.ts'
import { clientFields, isConnectionError, type RedisClient, redisConnector } from './client.ts'

const config = field.object({
  ...clientFields,
  key: field.string('The key of the list.'),
  auto_replay_nacks: autoReplayNacksField,
  max_in_flight: field
    .int('The maximum number of messages in flight before another is taken; 0 means no limit.')
    .default(0)
    .advanced(),
  timeout: field
    .duration('How long the server waits for an element before it is polled again.')
    .default('5s')
    .advanced(),
  command: field
    .string('Which end elements are taken from.')
    .options({ blpop: 'The head.', brpop: 'The tail.' })
    .default('blpop')
    .advanced(),
})

export default defineInput({
  name: 'redis_list',
  categories: ['Services'],
  summary: 'Pops messages from a Redis list.',
  description:
    'An element is removed from the list when it is read, before it is delivered: messages in flight when the program ends are lost.',
  config,
  requires: ['redis'],
  needs: ['network'],
  examples: [
    { title: 'A queue of jobs', config: 'input:\n  redis_list:\n    url: redis://localhost:6379\n    key: jobs\n' },
  ],
  create: (options, resources) => new RedisListInput(options, resources),
})

class RedisListInput implements Input {
  readonly #config: Infer<typeof config>
  readonly #connect: () => Promise<RedisClient>
  readonly #slots: Limiter | null
  #client: RedisClient | null = null

  constructor(options: Infer<typeof config>, resources: Resources) {
    this.#config = options
    this.#connect = redisConnector(options, resources)
    this.#slots = options.max_in_flight > 0 ? new Limiter(options.max_in_flight) : null
  }

  async connect(): Promise<void> {
    this.#client?.close()
    this.#client = await this.#connect()
  }

  async read(signal: AbortSignal): Promise<Delivery | null> {
    const slots = this.#slots
    const turn = slots?.enter()
    if (turn !== undefined) await Promise.race([turn, aborted(signal)])
    let element: Buffer | null = null
    try {
      element = await this.#pop(signal)
    } finally {
      if (element === null) slots?.leave()
    }
    return element === null ? null : deliverBatch([Message.fromBytes(element)], () => slots?.leave())
  }

  close(): void {
    this.#client?.close()
    this.#client = null
  }

  async #pop(signal: AbortSignal): Promise<Buffer | null> {
    const { command, key, timeout = 0 } = this.#config
    const seconds = String(timeout / 1000)
    const client = this.#client
    if (client === null) throw new NotConnectedError()
    // The server gives no element to a client that has disconnected.
    const stop = () => client.close()
    signal.addEventListener('abort', stop, { once: true })
    try {
      while (!signal.aborted) {
        const reply = await client.command([command, key, seconds], key, timeout === 0 ? Infinity : timeout)
        if (Array.isArray(reply)) return reply[1]
      }
      return null
    } catch (error) {
      if (signal.aborted) return null
      throw isConnectionError(error) ? new NotConnectedError(error) : error
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  if (signal.aborted) resolve()
  signal.addEventListener('abort', () => resolve(), { once: true })
  return promise
}
