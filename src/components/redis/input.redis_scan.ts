import { messageOf } from '../../base/index.ts'
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
} from '../../engine/index.ts'
import { clientFields, isConnectionError, type RedisClient, redisConnector, type Reply, valueOf } from './client.ts'

const config = field.object({
  ...clientFields,
  auto_replay_nacks: autoReplayNacksField,
  match: field.string('A pattern for the keys; by default all keys match.').default('').examples('foo*', '*4*'),
})

export default defineInput({
  name: 'redis_scan',
  categories: ['Services'],
  summary: 'Reads the keys of a database with their values, and ends.',
  description: `Each message is a document such as \`{"key":"foo","value":"bar"}\`. Keys whose value is not a string cannot be read and are reported in the log. Changes during the scan may or may not be seen, and a key may be returned twice.`,
  config,
  requires: ['redis'],
  needs: ['network'],
  create: (options, resources) => new RedisScanInput(options, resources),
})

/** A server that holds keys, and the cursor of its scan; '0' after the start means that it is complete. */
interface Scan {
  readonly server: RedisClient
  cursor: string
}

class RedisScanInput implements Input {
  readonly #config: Infer<typeof config>
  readonly #resources: Resources
  readonly #connect: () => Promise<RedisClient>
  #client: RedisClient | null = null
  #scans: Scan[] = []

  constructor(options: Infer<typeof config>, resources: Resources) {
    this.#config = options
    this.#resources = resources
    this.#connect = redisConnector(options, resources)
  }

  async connect(): Promise<void> {
    this.#client?.close()
    this.#client = await this.#connect()
    const servers = await this.#client.servers()
    this.#scans = servers.map(server => ({ server, cursor: '0' }))
  }

  async read(signal: AbortSignal): Promise<Delivery | null> {
    try {
      for (let scan = this.#scans[0]; scan !== undefined && !signal.aborted; scan = this.#scans[0]) {
        const messages = await this.#page(scan)
        if (scan.cursor === '0') this.#scans.shift()
        if (messages.length > 0) return deliverEach(messages)
      }
      return null
    } catch (error) {
      throw isConnectionError(error) ? new NotConnectedError(error) : error
    }
  }

  close(): void {
    this.#client?.close()
    this.#client = null
  }

  async #page(scan: Scan): Promise<readonly Message[]> {
    const { match } = this.#config
    const command = ['SCAN', scan.cursor, ...(match === '' ? [] : ['MATCH', match])]
    // SCAN replies with a cursor and keys.
    const [cursor, keys] = (await scan.server.command(command)) as [Buffer, readonly Buffer[]]
    scan.cursor = cursor.toString()
    const found = await Promise.all(keys.map(key => this.#get(scan.server, key)))
    return found.filter(message => message !== null)
  }

  /** Null for a key that no longer exists, or that cannot be read, which is logged. */
  async #get(server: RedisClient, key: Buffer): Promise<Message | null> {
    let value: Reply
    try {
      value = await server.command(['GET', key])
    } catch (error) {
      if (isConnectionError(error)) throw error
      this.#resources.log.error(`Cannot read key ${key.toString()}: ${messageOf(error)}`)
      return null
    }
    return value === null ? null : Message.fromValue({ key: valueOf(key), value: valueOf(value) })
  }
}
