import { messageOf } from '../../base/index.ts'
import { Buffer } from 'node:buffer'
import { utf8Text, type Value } from '../../bloblang/index.ts'
import {
  autoReplayNacksField,
  defineInput,
  deliverEach,
  type Delivery,
  field,
  type Infer,
  type Input,
  isClosing,
  Message,
  NotConnectedError,
  type Resources,
} from '../../engine/index.ts'
import {
  type Argument,
  clientFields,
  codeOf,
  isConnectionError,
  type RedisClient,
  redisConnector,
  type Reply,
} from './client.ts'

const config = field.object({
  ...clientFields,
  body_key: field
    .string('The field of an entry that becomes the message; the other fields become metadata.')
    .default('body'),
  streams: field.string('The streams to read.').list(),
  auto_replay_nacks: autoReplayNacksField,
  limit: field.int('The maximum number of entries per request.').default(10),
  client_id: field.string('The name of this consumer, unique within the group.').default(''),
  consumer_group: field.string('The consumer group.').default(''),
  create_streams: field.bool('Whether missing streams are created.').default(true).advanced(),
  start_from_oldest: field
    .bool('Whether a group that is new to a stream starts at its oldest entry.')
    .default(true)
    .advanced(),
  commit_period: field
    .duration('How often acknowledgements are sent. They are also sent when the stream stops.')
    .default('1s')
    .advanced(),
  timeout: field.duration('How long the server waits for entries before it is polled again.').default('1s').advanced(),
})

type Config = Infer<typeof config>

export default defineInput({
  name: 'redis_streams',
  categories: ['Services'],
  summary: 'Reads entries of Redis streams as a member of a consumer group.',
  description: `An entry is acknowledged once its message has been delivered. Entries that a consumer received and did not acknowledge are given to it again when it restarts, so each consumer of a group needs its own stable \`client_id\`.

Metadata of each message: \`redis_stream\`, which is the id of the entry, and the other fields of the entry by name.`,
  config,
  requires: ['redis'],
  needs: ['network'],
  examples: [
    {
      title: 'One of several consumers',
      config: `input:
  redis_streams:
    url: redis://localhost:6379
    streams: [ orders ]
    consumer_group: billing
    client_id: billing-1
    limit: 500
`,
    },
  ],
  create: (options, resources) => new RedisStreamsInput(options, resources),
})

/** An entry that was handed out and is not acknowledged. */
interface Entry {
  readonly stream: string
  readonly id: string
}

class RedisStreamsInput implements Input {
  readonly #config: Config
  readonly #resources: Resources
  readonly #connect: () => Promise<RedisClient>
  #client: RedisClient | null = null
  /** Acknowledgements use a separate connection, because the other one blocks waiting for entries. */
  #acknowledging: RedisClient | null = null
  /**
   * Positions, by stream, up to which entries that were pending before this connection have been read again; they may
   * have been lost with the last connection. A stream whose backlog is finished has none.
   */
  readonly #backlogs = new Map<string, string>()
  /**
   * Entries that were delivered but not yet acknowledged to the server; these are not delivered again from a backlog.
   */
  readonly #open = new Set<string>()
  #acknowledged: Entry[] = []
  #timer: NodeJS.Timeout | undefined
  #flushing: Promise<void> = Promise.resolve()
  #refused: { readonly message: Message; readonly entry: Entry }[] = []

  constructor(options: Config, resources: Resources) {
    this.#config = options
    this.#resources = resources
    this.#connect = redisConnector(options, resources)
  }

  async connect(): Promise<void> {
    this.#disconnect()
    const client = await this.#connect()
    this.#client = client
    for (const stream of this.#config.streams) await this.#createGroup(client, stream)
    for (const stream of this.#config.streams) this.#backlogs.set(stream, '0')
    this.#acknowledging = await this.#connect()
    clearInterval(this.#timer)
    this.#timer = setInterval(() => void this.#flush(), Math.max(1, this.#config.commit_period ?? 1000))
  }

  async read(signal: AbortSignal): Promise<Delivery | null> {
    const again = this.#refused.splice(0)
    if (again.length > 0) return this.#deliver(again)
    const stop = () => this.#client?.close()
    signal.addEventListener('abort', stop, { once: true })
    try {
      while (!signal.aborted) {
        const entries = await this.#readEntries()
        if (entries.length > 0) return this.#deliver(entries)
      }
      return null
    } catch (error) {
      if (signal.aborted) return null
      throw isConnectionError(error) || codeOf(error) === 'NOGROUP' ? new NotConnectedError(error) : error
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#flush()
    this.#disconnect()
  }

  async #createGroup(client: RedisClient, stream: string): Promise<void> {
    const { consumer_group: group, start_from_oldest: oldest, create_streams: creates } = this.#config
    try {
      await client.command(
        ['XGROUP', 'CREATE', stream, group, oldest ? '0' : '$', ...(creates ? ['MKSTREAM'] : [])],
        stream,
      )
    } catch (error) {
      if (codeOf(error) === 'BUSYGROUP') return
      const reason = messageOf(error)
      throw new Error(`failed to create group ${group} for stream ${stream}: ${reason}`, { cause: error })
    }
  }

  async #readEntries(): Promise<{ readonly message: Message; readonly entry: Entry }[]> {
    const { streams, timeout = 0, client_id: consumer, consumer_group: group, limit } = this.#config
    const client = this.#client
    if (client === null) throw new NotConnectedError()
    const starts = streams.map(stream => this.#backlogs.get(stream) ?? '>')
    const options = ['COUNT', String(limit), 'BLOCK', String(Math.max(1, Math.round(timeout)))]
    const reply = await client.command(
      ['XREADGROUP', 'GROUP', group, consumer, ...options, 'STREAMS', ...streams, ...starts],
      streams[0],
      timeout,
    )
    // XREADGROUP replies with streams and their entries.
    return ((reply ?? []) as readonly (readonly [Buffer, readonly RawEntry[]])[]).flatMap(([name, entries]) => {
      const stream = name.toString()
      this.#noteBacklog(stream, entries)
      return entries.flatMap(entry => this.#messageOf(stream, entry) ?? [])
    })
  }

  #noteBacklog(stream: string, entries: readonly RawEntry[]): void {
    if (!this.#backlogs.has(stream)) return
    const last = entries.at(-1)
    if (last === undefined) this.#backlogs.delete(stream)
    else this.#backlogs.set(stream, last[0].toString())
  }

  #messageOf(stream: string, [idBytes, fields]: RawEntry): { message: Message; entry: Entry } | undefined {
    const id = idBytes.toString()
    if (this.#open.has(keyOf({ stream, id }))) return undefined
    // An entry that was removed from the stream while it was pending has no fields.
    if (fields === null) {
      this.#acknowledged.push({ stream, id })
      return undefined
    }
    const metadata = new Map<string, Value>([['redis_stream', id]])
    let body: Buffer | undefined
    for (let i = 0; i + 1 < fields.length; i += 2) {
      const name = fields[i]!.toString()
      if (name === this.#config.body_key) body = fields[i + 1]!
      else metadata.set(name, utf8Text(fields[i + 1]!))
    }
    if (body === undefined) {
      this.#resources.log.warn(`Entry ${id} of stream ${stream} has no field '${this.#config.body_key}' and is skipped`)
      return undefined
    }
    return { message: Message.fromBytes(body, metadata), entry: { stream, id } }
  }

  #deliver(read: readonly { readonly message: Message; readonly entry: Entry }[]): Delivery {
    for (const { entry } of read) this.#open.add(keyOf(entry))
    const messages = read.map(({ message }) => message)
    let entries: Map<Message, Entry> | undefined
    return deliverEach(messages, (settled, error) => {
      if (isClosing(error)) return
      if (error === null && settled.length === messages.length) {
        for (const { entry } of read) this.#acknowledged.push(entry)
        return
      }
      entries ??= new Map(read.map(({ message, entry }) => [message, entry]))
      for (const message of settled) {
        const entry = entries.get(message)!
        if (error === null) this.#acknowledged.push(entry)
        else this.#refused.push({ message, entry })
      }
    })
  }

  /** Sends the acknowledgements collected since the last call. Those that fail are sent again with the next ones. */
  #flush(): Promise<void> {
    this.#flushing = this.#flushing.then(() => this.#sendAcknowledgements())
    return this.#flushing
  }

  async #sendAcknowledgements(): Promise<void> {
    const client = this.#acknowledging
    if (client === null || client.isLost || this.#acknowledged.length === 0) return
    const acknowledged = this.#acknowledged
    this.#acknowledged = []
    const byStream = Map.groupBy(acknowledged, ({ stream }) => stream)
    await Promise.all([...byStream].map(([stream, entries]) => this.#acknowledge(client, stream, entries)))
  }

  async #acknowledge(client: RedisClient, stream: string, entries: readonly Entry[]): Promise<void> {
    const group = this.#config.consumer_group
    for (let from = 0; from < entries.length; from += maxIds) {
      const some = entries.slice(from, from + maxIds)
      const command: readonly Argument[] = ['XACK', stream, group, ...some.map(({ id }) => id)]
      try {
        await client.command(command)
        for (const entry of some) this.#open.delete(keyOf(entry))
      } catch (error) {
        this.#resources.log.error(`Failed to ack stream ${stream}: ${messageOf(error)}`)
        this.#acknowledged.push(...some)
      }
    }
  }

  #disconnect(): void {
    this.#client?.close()
    this.#acknowledging?.close()
    this.#client = null
    this.#acknowledging = null
  }
}

function keyOf({ stream, id }: Entry): string {
  return `${id} ${stream}`
}

/** Maximum number of ids in one command. */
const maxIds = 1000

/** An entry in a reply: its id, and alternating names and values. */
type RawEntry = readonly [Buffer, readonly Buffer[] | null] & Reply
