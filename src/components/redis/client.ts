import { asError, messageOf, serverName } from '../../base/index.ts'
import { Buffer } from 'node:buffer'
import { textOfMetadata, toText, utf8Text, Float, isObject, type Value, isArray } from '../../bloblang/index.ts'
import {
  type Batch,
  ConfigError,
  field,
  type Infer,
  type MaybePromise,
  type Message,
  NotConnectedError,
  type Output,
  type Resources,
  throwOutcomes,
  tlsField,
  tlsOptions,
} from '../../engine/index.ts'

/** An argument of a command. */
export type Argument = string | Buffer

/** A server's reply: bulk and simple strings as bytes, integers as text, doubles as numbers. */
export type Reply = Buffer | string | number | boolean | null | readonly Reply[] | Map<Reply, Reply>

export const clientFields = {
  url: field
    .string(
      'The URL of the server, with the user, password and database number if needed; several are separated by commas.',
    )
    .needsWhen(['network'], value => addressesOf(value).map(target => ({ capability: 'network', target })))
    .examples('redis://localhost:6379', 'redis://user:password@host:6379/1', 'redis://a:6379,redis://b:6379'),
  kind: field
    .string('The kind of deployment at the URL.')
    .options({
      simple: 'A single server.',
      cluster: 'A cluster; the URLs name some of its servers.',
      failover: 'A group of servers with one master, which the sentinels at the URLs determine.',
    })
    .default('simple')
    .advanced(),
  master: field.string('The name of the master, if `kind` is `failover`.').default('').examples('mymaster').advanced(),
  tls: tlsField,
}

export type ClientConfig = Infer<typeof clientFields>

/** A connected client. Commands are sent immediately and answered in order. */
export interface RedisClient {
  /**
   * Sends a command whose first key is at index 1 unless given; that key selects the server of a cluster. The client is
   * lost if no reply arrives within {@link ANSWER_TIMEOUT_MS} plus `waitMs`, the time that the command itself asks the
   * server to wait.
   */
  command(args: readonly Argument[], firstKey?: Argument, waitMs?: number): Promise<Reply>
  /** The servers that hold the keys: a single one, or the masters of a cluster. */
  servers(): Promise<readonly RedisClient[]>
  /** Whether no further command can succeed on this client. */
  readonly isLost: boolean
  /** Calls `listener` for each message on the channels, or on those that match the patterns. */
  subscribe(channels: readonly string[], arePatterns: boolean, listener: (message: Buffer) => void): Promise<void>
  /** Closes the connections; commands that wait for a reply fail. */
  close(): void
}

/** The parts of the library's clients that are used here, which are common to all of them except for `sendCommand`. */
interface LibraryClient {
  readonly isReady?: boolean
  on(event: 'error', listener: (error: Error) => void): unknown
  connect(): Promise<unknown>
  subscribe(channels: string[], listener: (message: Buffer) => void, binary: true): Promise<void>
  pSubscribe(channels: string[], listener: (message: Buffer) => void, binary: true): Promise<void>
  destroy(): MaybePromise<void>
}

/**
 * A server that accepts a command but does not reply for this long counts as lost. The original's client waits for 3
 * seconds, up to four times in a row.
 */
const ANSWER_TIMEOUT_MS = 10_000

type Send = (args: readonly Argument[], firstKey: Argument | undefined) => Promise<unknown>

/**
 * Validates the settings and returns a function that connects. `protocol` 3 distinguishes maps, sets and doubles from
 * lists and strings, and requires Redis 6. Throws {@link ConfigError}.
 */
export function redisConnector(
  config: ClientConfig,
  { host, clock }: Resources,
  protocol: 2 | 3 = 2,
): () => Promise<RedisClient> {
  const servers = config.url.split(',').map(parseUrl)
  const first = servers[0]!
  const { network } = host
  const monotonic = () => clock.monotonic()
  const tls = config.tls.enabled
    ? tlsOptions(config.tls, path => host.files.readFileSync(path).toString('utf8'))
    : undefined
  const socket = {
    reconnectStrategy: false,
    lookup: network.lookup,
    keepAlive: true,
    ...(tls === undefined && !first.encrypted ? {} : { tls: true, ...tls }),
  }
  const own = {
    ...(first.username !== '' && { username: first.username }),
    ...(first.password !== '' && { password: first.password }),
  }
  return async () => {
    const library = await import('redis')
    const { RESP_TYPES } = library
    ErrorReply = library.ErrorReply
    const common = {
      RESP: protocol,
      commandOptions: {
        // The library's own limit of 5 seconds for commands that wait for the socket uses an abort signal per command,
        // which costs more than the command; see AnswerWatch.
        timeout: 0,
        typeMapping: {
          [RESP_TYPES.BLOB_STRING]: Buffer,
          [RESP_TYPES.SIMPLE_STRING]: Buffer,
          [RESP_TYPES.VERBATIM_STRING]: Buffer,
          [RESP_TYPES.NUMBER]: String,
          [RESP_TYPES.BIG_NUMBER]: String,
          [RESP_TYPES.MAP]: Map,
        },
      },
    } as const
    const socketOf = ({ name, port }: Server) =>
      ({
        ...socket,
        host: name,
        port,
        ...('tls' in socket ? { servername: serverName(name) } : {}),
      }) as never // the library's type requires each of Node's socket options twice
    switch (config.kind) {
      case 'simple': {
        const client = library.createClient({ ...common, ...own, socket: socketOf(first), database: first.database })
        return connected(monotonic, client, (args, _) => client.sendCommand(args))
      }
      case 'cluster': {
        const client = library.createCluster({
          ...common,
          rootNodes: servers.map(server => ({ socket: socketOf(server) })),
          defaults: { ...own, socket: socket as never }, // its type depends on whether TLS is on
        })
        const masters = async () => {
          const nodes = await Promise.all(client.masters.map(master => client.nodeClient(master)))
          return nodes.map(node => wrapped(monotonic, node, args => node.sendCommand(args, common.commandOptions)))
        }
        // The client's type asks for a mutable list, but it does not modify it.
        const send: Send = (args, key) => client.sendCommand(key, false, args as Argument[])
        return connected(monotonic, client, send, masters)
      }
      case 'failover': {
        const client = library.createSentinel({
          ...common,
          name: config.master,
          sentinelRootNodes: servers.map(({ name, port }) => ({ host: name, port })),
          // As above.
          nodeClientOptions: { ...own, socket: socket as never, database: first.database },
          sentinelClientOptions: { socket: socket as never }, // its type depends on whether TLS is on
        })
        // The client's type asks for a mutable list, but it does not modify it.
        return connected(monotonic, client as never, args => client.sendCommand(false, args as Argument[]))
      }
      default:
        throw new ConfigError(`invalid redis kind: ${String(config.kind)}`)
    }
  }
}

async function connected(
  monotonic: () => number,
  client: LibraryClient,
  send: Send,
  masters?: () => Promise<readonly RedisClient[]>,
): Promise<RedisClient> {
  const found = wrapped(monotonic, client, send, masters)
  try {
    // Connecting includes the first commands: authentication, protocol and database.
    await new AnswerWatch(monotonic, () => undefined).watch(client.connect())
    await found.command(['PING'], '')
  } catch (error) {
    found.close()
    throw error
  }
  return found
}

function wrapped(
  monotonic: () => number,
  client: LibraryClient,
  send: Send,
  masters?: () => Promise<readonly RedisClient[]>,
): RedisClient {
  let isLost = false
  let isClosed = false
  client.on('error', () => {
    // Commands that wait for a reply report the error.
    isLost = true
  })
  const close = () => {
    isLost = true
    if (isClosed) return
    isClosed = true
    try {
      void Promise.resolve(client.destroy()).catch(() => undefined)
    } catch {
      // The server closed the connection.
    }
  }
  const watch = new AnswerWatch(monotonic, close)
  const self: RedisClient = {
    // The client's type mapping decodes replies as `Reply` says.
    command: (args, firstKey = args[1], waitMs = 0) => watch.watch(send(args, firstKey) as Promise<Reply>, waitMs),
    servers: () => masters?.() ?? Promise.resolve([self]),
    get isLost() {
      return isLost || client.isReady === false
    },
    subscribe: (channels, arePatterns, listener) =>
      watch.watch(
        arePatterns
          ? client.pSubscribe([...channels], listener, true)
          : client.subscribe([...channels], listener, true),
      ),
    close,
  }
  return self
}

/** The server does not reply. */
class NoAnswerError extends Error {
  constructor() {
    super(`no answer from Redis within ${ANSWER_TIMEOUT_MS / 1000} seconds`)
    this.name = 'NoAnswerError'
  }
}

/** Interval of the checks for overdue replies: a timer per command would cost more than the command. */
const WATCH_EVERY_MS = 1000

interface Awaited {
  readonly dueAt: number
  fail(error: Error): void
}

/** Fails promises that wait too long for a reply. */
class AnswerWatch {
  readonly #monotonic: () => number
  readonly #onOverdue: () => void
  readonly #awaited = new Set<Awaited>()
  #isCheckScheduled = false

  /** `onOverdue` is called when a reply is overdue, before its promise rejects. */
  constructor(monotonic: () => number, onOverdue: () => void) {
    this.#monotonic = monotonic
    this.#onOverdue = onOverdue
  }

  /**
   * Resolves to the reply, or rejects with {@link NoAnswerError} after the time limit. An infinite `waitMs` disables
   * the limit.
   */
  watch<T>(answer: Promise<T>, waitMs = 0): Promise<T> {
    if (waitMs === Infinity) return answer
    return new Promise((resolve, reject) => {
      const awaited = { dueAt: this.#monotonic() + ANSWER_TIMEOUT_MS + waitMs, fail: reject }
      this.#awaited.add(awaited)
      if (!this.#isCheckScheduled) this.#scheduleCheck()
      answer.then(
        value => {
          this.#awaited.delete(awaited)
          resolve(value)
        },
        (error: unknown) => {
          this.#awaited.delete(awaited)
          reject(asError(error))
        },
      )
    })
  }

  #scheduleCheck(): void {
    this.#isCheckScheduled = true
    setTimeout(this.#check, WATCH_EVERY_MS).unref()
  }

  // After this process was busy, replies may be waiting unread; a second check leaves the event loop time to read them.
  readonly #check = (): void => {
    this.#isCheckScheduled = false
    if (this.#overdue().length > 0) setImmediate(this.#failOverdue)
    if (this.#awaited.size > 0) this.#scheduleCheck()
  }

  readonly #failOverdue = (): void => {
    const overdue = this.#overdue()
    if (overdue.length > 0) this.#onOverdue()
    for (const each of overdue) {
      this.#awaited.delete(each)
      each.fail(new NoAnswerError())
    }
  }

  #overdue(): readonly Awaited[] {
    const now = this.#monotonic()
    return [...this.#awaited].filter(({ dueAt }) => dueAt <= now)
  }
}

interface Server {
  readonly name: string
  readonly port: number
  readonly username: string
  readonly password: string
  readonly database: number
  readonly encrypted: boolean
}

const urlPattern =
  /^(?<scheme>[a-z][a-z0-9+.-]*):\/\/(?:(?<user>[^:@/]*)(?::(?<password>[^@/]*))?@)?(?<name>\[[^\]]*\]|[^:/?#]*)(?::(?<port>\d{1,5}))?(?:\/(?<database>[^?#]*))?(?:\?(?<query>.*))?$/i

function parseUrl(text: string): Server {
  const parts = urlPattern.exec(text.trim())?.groups
  if (parts === undefined) {
    throw new ConfigError(
      `redis: '${withoutPassword(text)}' is no URL; expected redis://[user:password@]host[:port][/database]`,
    )
  }
  const { scheme, user = '', password = '', name = '', port = '6379', database: path = '', query = '' } = parts
  if (!['redis', 'rediss', 'tcp'].includes(scheme!)) throw new ConfigError(`redis: invalid URL scheme: ${scheme}`)
  const database = path === '' ? (new URLSearchParams(query).get('db') ?? '0') : path
  if (!/^\d{1,9}$/.test(database)) throw new ConfigError(`redis: invalid database number: "${database}"`)
  return {
    name: name.replace(/^\[|\]$/g, '') || 'localhost',
    port: Number(port),
    username: decodeURIComponent(user),
    password: decodeURIComponent(password),
    database: Number(database),
    encrypted: scheme === 'rediss',
  }
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//')
}

function addressesOf(value: unknown): readonly string[] {
  if (typeof value !== 'string' || value.includes('${')) return []
  return value.split(',').flatMap(url => {
    try {
      const { name, port } = parseUrl(url)
      return [`${name.includes(':') ? `[${name}]` : name}:${port}`]
    } catch {
      return [] // reported when the component is created
    }
  })
}

/**
 * A client for components that the engine does not connect: it connects with its first command, and reconnects after a
 * loss.
 */
export class OnDemandClient {
  readonly #connect: () => Promise<RedisClient>
  #client: Promise<RedisClient> | null = null
  #current: RedisClient | null = null
  #isClosed = false

  constructor(config: ClientConfig, resources: Resources, protocol: 2 | 3 = 2) {
    this.#connect = redisConnector(config, resources, protocol)
  }

  async command(args: readonly Argument[], firstKey?: Argument): Promise<Reply> {
    if (this.#current?.isLost === true) this.#forget()
    this.#client ??= this.#open()
    const client = this.#current ?? (await this.#client)
    return client.command(args, firstKey)
  }

  /** Runs a Lua script, which after the first time is sent only as its hash. */
  async script({ text, sha1 }: Script, keys: readonly Argument[], args: readonly Argument[]): Promise<Reply> {
    const rest = [String(keys.length), ...keys, ...args]
    try {
      return await this.command(['EVALSHA', sha1, ...rest], keys[0])
    } catch (error) {
      if (codeOf(error) !== 'NOSCRIPT') throw error
      return this.command(['EVAL', text, ...rest], keys[0])
    }
  }

  close(): void {
    this.#isClosed = true
    this.#forget()
  }

  async #open(): Promise<RedisClient> {
    try {
      const client = await this.#connect()
      this.#current = client
      if (this.#isClosed) this.#forget()
      return client
    } catch (error) {
      this.#client = null
      throw error
    }
  }

  #forget(): void {
    this.#current?.close()
    this.#current = null
    this.#client = null
  }
}

export interface Script {
  readonly text: string
  /** In hexadecimal. */
  readonly sha1: string
}

/** The library's class for error replies, once the library is loaded. */
let ErrorReply: typeof import('redis').ErrorReply | undefined

/** The first word of an error reply, such as `WRONGTYPE`; undefined for connection errors. */
export function codeOf(error: unknown): string | undefined {
  const isReply = ErrorReply !== undefined && error instanceof ErrorReply
  return isReply ? /^[A-Z]+/.exec(error.message)?.[0] : undefined
}

/** Error replies that mean this server is no longer the right one, which reconnecting fixes. */
const misplaced: readonly string[] = ['READONLY', 'MASTERDOWN', 'NOAUTH']

/** Whether an error is about the connection, so that the same command may succeed on a new one. */
export function isConnectionError(error: unknown): boolean {
  const code = codeOf(error)
  return code === undefined || misplaced.includes(code)
}

/** An output that sends one command per message, those of a run concurrently. */
export class CommandOutput implements Output {
  readonly #connect: () => Promise<RedisClient>
  readonly #commandOf: (batch: Batch, index: number) => readonly Argument[]
  readonly #resources: Resources
  #client: RedisClient | null = null

  /** `commandOf` throws if a message has no command; then only that message fails. */
  constructor(
    config: ClientConfig,
    resources: Resources,
    commandOf: (batch: Batch, index: number) => readonly Argument[],
  ) {
    this.#connect = redisConnector(config, resources)
    this.#resources = resources
    this.#commandOf = commandOf
  }

  async connect(): Promise<void> {
    // Writes that were in flight together each report the loss, some of them after the engine has reconnected.
    if (this.#client?.isLost === false) return
    this.close()
    this.#client = await this.#connect()
  }

  async write(batch: Batch): Promise<void> {
    const outcomes = await this.#send(batch, index => this.#commandOf(batch, index))
    throwOutcomes(batch, outcomes)
  }

  writeRun(run: readonly Message[]): Promise<readonly (Error | null)[]> {
    return this.#send(run, index => this.#commandOf([run[index]!], 0))
  }

  close(): void {
    this.#client?.close()
    this.#client = null
  }

  async #send(
    messages: readonly Message[],
    commandOf: (index: number) => readonly Argument[],
  ): Promise<readonly (Error | null)[]> {
    const client = this.#client
    if (client === null || client.isLost) throw new NotConnectedError()
    const outcomes: (Error | null)[] = Array<null>(messages.length).fill(null)
    const pending: Promise<unknown>[] = []
    for (let i = 0; i < messages.length; i++) {
      try {
        pending.push(
          client.command(commandOf(i)).catch((error: unknown) => void (outcomes[i] = this.#explained(error))),
        )
      } catch (error) {
        outcomes[i] = asError(error)
      }
    }
    await Promise.all(pending)
    return outcomes
  }

  #explained(error: unknown): Error {
    if (!isConnectionError(error)) return asError(error)
    this.#resources.log.debug(`Connection to Redis lost: ${messageOf(error)}`)
    return new NotConnectedError(error)
  }
}

/** The bytes of a message as an argument, without copying. */
export function bodyOf(message: Message): Buffer {
  const bytes = message.bytes()
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** Converts a value to an argument; arrays and objects become JSON. */
export function argumentOf(value: Value): Argument {
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.length)
  if (value === null) return ''
  if (typeof value === 'boolean') return value ? '1' : '0'
  return toText(value)
}

export function metadataArgument(value: Value): Argument {
  return value instanceof Uint8Array ? argumentOf(value) : textOfMetadata(value)
}

/** The arguments returned by a mapping; throws if the result is not an array. */
export function argumentsOf(result: Value): readonly Argument[] {
  if (!isArray(result)) throw new Error(`mapping returned non-array result: ${typeName(result)}`)
  return result.map(argumentOf)
}

function typeName(value: Value): string {
  if (value === null) return '<nil>'
  if (isObject(value)) return 'map[string]interface {}'
  return typeof value === 'bigint' ? 'int64' : typeof value
}

/** Converts a reply to a document. */
export function valueOf(reply: Reply): Value {
  if (Buffer.isBuffer(reply)) return utf8Text(reply)
  if (typeof reply === 'string') return BigInt(reply)
  if (typeof reply === 'number') return new Float(reply)
  if (reply instanceof Map) {
    return Object.fromEntries([...reply].map(([key, value]) => [String(key), valueOf(value)]))
  }
  // `Array.isArray` does not narrow to read-only arrays.
  return Array.isArray(reply) ? (reply as readonly Reply[]).map(valueOf) : (reply as boolean | null)
}

/** Fields of processors that retry a failed command. */
export const retryFields = {
  retries: field.int('How often a failed command is retried.').default(3).advanced(),
  retry_period: field.duration('The interval before each retry.').default('500ms').advanced(),
}

/** Calls `attempt` until it succeeds or the retries are exhausted. */
export async function retried(
  { retries, retry_period: pauseMs = 0 }: { readonly retries: number; readonly retry_period: number | undefined },
  resources: Resources,
  what: string,
  attempt: () => Promise<Reply>,
): Promise<Reply> {
  for (let left = retries; ; left--) {
    try {
      return await attempt()
    } catch (error) {
      if (left < 0) throw error
      resources.log.error(`${what} failed: ${messageOf(error)}`)
      await resources.wait(pauseMs)
    }
  }
}
