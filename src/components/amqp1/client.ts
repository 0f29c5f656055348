import { Buffer } from 'node:buffer'
import type { Socket } from 'node:net'
import type {
  Connection,
  ConnectionOptions,
  EventContext,
  Receiver,
  ReceiverOptions,
  Sender,
  SenderOptions,
} from 'rhea'
import { asError, type Clock, isRecord, messageOf, serverName, waitOrAbort } from '../../base/index.ts'
import {
  ConfigError,
  field,
  type Infer,
  NotConnectedError,
  type Resources,
  tlsField,
  type TlsOptions,
  tlsOptions,
} from '../../engine/index.ts'

export const clientFields = {
  url: field.string('Use `urls` instead.').needs('network', addressOf).optional().deprecated(),
  urls: field
    .string('The servers, tried in turn; an element may list several, separated by commas.')
    .needs('network', addressOf)
    .list()
    .optional()
    .examples(
      ['amqp://guest:guest@127.0.0.1:5672/'],
      ['amqp://127.0.0.1:5672/,amqp://127.0.0.2:5672/'],
      ['amqp://127.0.0.1:5672/', 'amqp://127.0.0.2:5672/'],
    ),
}

export const securityFields = {
  tls: tlsField.optional(),
  sasl: field
    .object(
      {
        mechanism: field
          .string('How the client authenticates.')
          .options({
            none: 'With the user and the password of the URL, if it has any.',
            plain: 'With a user name and a password.',
            anonymous: 'Anonymously.',
          })
          .default('none')
          .advanced(),
        user: field.string('The user name, for `plain`.').default('').advanced().examples('${USER}'),
        password: field.string('The password, for `plain`.').default('').secret().advanced().examples('${PASSWORD}'),
      },
      'How the client authenticates.',
    )
    .optional()
    .advanced(),
}

export const securityHelp =
  'Connections to `amqps://` are encrypted. With `tls.enabled`, those to `amqp://` are encrypted as well: client and server negotiate TLS first, which not every server supports (RabbitMQ does not).'

/** A lint rule for a whole component: it needs a server. */
export function lintUrls(value: unknown): string | undefined {
  const { url, urls } = isRecord(value) ? value : {}
  const hasUrls = Array.isArray(urls) && urls.length > 0
  return hasUrls || (typeof url === 'string' && url !== '') ? undefined : "field 'urls' must be set"
}

interface ClientConfig {
  readonly url: string | undefined
  readonly urls: readonly string[] | undefined
  readonly tls: Infer<typeof tlsField> | undefined
  readonly sasl: Infer<(typeof securityFields)['sasl']>
}

/** Maximum time between two bytes while a connection is being established, in milliseconds. */
const connectTimeoutMs = 30_000
/** How long a server may take to confirm the closing of a connection, in milliseconds. */
const closeTimeoutMs = 2_000
/**
 * Idle timeout announced to servers, in milliseconds; a connection without traffic for twice this long counts as lost.
 */
const idleTimeoutMs = 30_000
/** The largest frame that a server may send, in bytes; larger messages are split. */
const maxFrameBytes = 65_536

/**
 * Validates the settings and returns a function that connects to the first server that accepts. Throws {@link
 * ConfigError}.
 */
export function amqpConnector(
  { url, urls = [], tls, sasl }: ClientConfig,
  { host, log, clock }: Resources,
  sessionBuffer: number,
): (signal: AbortSignal) => Promise<AmqpConnection> {
  const listed = urls.flatMap(text => text.split(',')).map(text => text.trim())
  const servers = (listed.some(text => text !== '') ? listed : [url ?? '']).filter(text => text !== '').map(parseUrl)
  if (servers.length === 0) throw new ConfigError('at least one url must be specified')
  const security =
    tls?.enabled === true ? tlsOptions(tls, path => host.files.readFileSync(path).toString('utf8')) : null
  return async signal => {
    let failure: unknown
    for (const [index, server] of servers.entries()) {
      try {
        const socket = await dial(server, security, host.network, signal)
        const mechanisms = mechanismsOf(sasl, server)
        return await AmqpConnection.open(socket, { server, mechanisms, sessionBuffer, clock }, signal)
      } catch (error) {
        signal.throwIfAborted()
        failure = error
        const { name, port } = server
        if (servers.length > 1) {
          log.warn(`Unable to connect to url #${index} (${name}:${port}), trying next: ${messageOf(error)}`)
        }
      }
    }
    throw asError(failure)
  }
}

interface Server {
  readonly name: string
  readonly port: number
  readonly isEncrypted: boolean
  readonly user: string
  readonly password: string
}

function parseUrl(text: string): Server {
  const url = URL.parse(text)
  if (url === null || url.hostname === '') {
    throw new ConfigError(`amqp: '${text}' is not a URL; expected amqp://user:password@host:5672/`)
  }
  const isEncrypted = url.protocol === 'amqps:'
  if (!isEncrypted && url.protocol !== 'amqp:') {
    throw new ConfigError(`amqp: the scheme '${url.protocol.slice(0, -1)}' is not supported; use amqp:// or amqps://`)
  }
  return {
    name: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || (isEncrypted ? 5671 : 5672)),
    isEncrypted,
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
  }
}

function addressOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.includes('${')) return undefined
  try {
    const { name, port } = parseUrl(value.split(',')[0]!.trim())
    return `${name.includes(':') ? `[${name}]` : name}:${port}`
  } catch {
    return undefined // reported when the component is created
  }
}

/**
 * Connects a socket, encrypted if configured. The socket is destroyed if nothing arrives for {@link connectTimeoutMs}.
 */
async function dial(
  { name, port, isEncrypted }: Server,
  security: TlsOptions | null,
  network: Resources['host']['network'],
  signal: AbortSignal,
): Promise<Socket> {
  const secured = { ...security, host: name, servername: serverName(name) }
  if (isEncrypted) return await ready(network.connectTls({ ...secured, port }), 'secureConnect', signal)
  const socket = await ready(network.connect({ host: name, port, noDelay: true }), 'connect', signal)
  if (security === null) return socket
  await agreeOnTls(socket, signal)
  return await ready(network.connectTls({ ...secured, socket }), 'secureConnect', signal)
}

/** Resolves to the socket once an event occurs; destroys the socket and rejects if it fails first. */
async function ready(socket: Socket, event: string, signal: AbortSignal): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const abort = () => reject(asError(signal.reason))
  const end = () => reject(new Error('the server closed the connection'))
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  socket
    .setTimeout(connectTimeoutMs, () => socket.destroy(new Error(`no answer within ${connectTimeoutMs} ms`)))
    .once('error', reject)
    .once('close', end)
    .once(event, () => resolve())
  try {
    await promise
    return socket
  } catch (error) {
    socket.on('error', () => undefined).destroy()
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
    socket.removeListener('close', end)
  }
}

/** The protocol header by which client and server negotiate TLS (OASIS AMQP 1.0, part 5.2.1). */
const tlsHeader = Buffer.from([...Buffer.from('AMQP'), 2, 1, 0, 0])

async function agreeOnTls(socket: Socket, signal: AbortSignal): Promise<void> {
  socket.write(tlsHeader)
  let answer: Buffer | null = null
  while (answer === null) {
    await ready(socket, 'readable', signal)
    answer = socket.read(tlsHeader.length) as Buffer | null // the socket has no encoding
  }
  if (answer.equals(tlsHeader)) return
  socket.destroy()
  throw new Error('the server does not agree on TLS at amqp://; if it has a port for TLS alone, use amqps:// with that')
}

/** Starts authentication, by the name of the mechanism; null if there is none. */
type Mechanisms = Readonly<Record<string, () => { start(done: (error: undefined, response: Buffer) => void): void }>>

function mechanismsOf(sasl: ClientConfig['sasl'], { user, password }: Server): Mechanisms | null {
  const starting = (name: string, response: Buffer): Mechanisms => ({
    [name]: () => ({ start: done => done(undefined, response) }),
  })
  // The library's own PLAIN counts characters instead of bytes.
  const plain = (name: string, secret: string) => starting('PLAIN', Buffer.from(`\0${name}\0${secret}`))
  if (sasl?.mechanism === 'plain') return plain(sasl.user, sasl.password)
  if (sasl?.mechanism === 'anonymous') return starting('ANONYMOUS', Buffer.from('anonymous'))
  return user === '' ? null : plain(user, password)
}

interface OpenOptions {
  readonly server: Server
  readonly mechanisms: Mechanisms | null
  /** How many messages in each direction may be unsettled before further ones wait. */
  readonly sessionBuffer: number
  readonly clock: Clock
}

/** A connection with one session. When the session, or a link on it, ends, the connection ends, too. */
export class AmqpConnection {
  readonly #socket: Socket
  readonly #connection: Connection
  readonly #clock: Clock
  readonly #lost = Promise.withResolvers<never>()
  readonly #listeners: ((cause: Error) => void)[] = []
  #failure: Error | null = null

  private constructor(socket: Socket, connection: Connection, clock: Clock) {
    this.#socket = socket
    this.#connection = connection
    this.#clock = clock
    // Callers race with this promise; if none does, its rejection is not an error.
    this.#lost.promise.catch(() => undefined)
    for (const event of ['connection_close', 'session_close', 'receiver_close', 'sender_close', 'disconnected']) {
      connection.on(event, (context: EventContext) => this.#lose(reasonOf(context)))
    }
    // For unreadable data the library passes the error itself.
    connection.on('protocol_error', (error: unknown) => this.#lose(asError(error)))
    connection.on('error', (cause: unknown) => {
      this.#lose(new Error(`the server sent what cannot be read: ${messageOf(cause)}`, { cause }))
    })
  }

  /** Authenticates and opens the connection. */
  static async open(
    socket: Socket,
    { server, mechanisms, sessionBuffer, clock }: OpenOptions,
    signal: AbortSignal,
  ): Promise<AmqpConnection> {
    const { create_container: createContainer } = (await import('rhea')).default
    const options: ConnectionOptions & { readonly sasl_mechanisms?: Mechanisms } = {
      connection_details: () => ({
        host: server.name,
        port: server.port,
        connect(_port: unknown, _host: unknown, _options: unknown, connected: () => void) {
          queueMicrotask(connected)
          return socket
        },
      }),
      host: server.name,
      port: server.port,
      transport: 'tcp',
      hostname: server.name,
      idle_time_out: idleTimeoutMs,
      max_frame_size: maxFrameBytes,
      session_buffer_size: sessionBuffer,
      reconnect: false,
      ...(mechanisms === null ? {} : { sasl_mechanisms: mechanisms }),
    }
    const connection = new AmqpConnection(socket, createContainer().create_connection(options), clock)
    await connection.#open(signal)
    return connection
  }

  async #open(signal: AbortSignal): Promise<void> {
    const { promise: opened, resolve } = Promise.withResolvers<void>()
    this.#connection.once('connection_open', () => resolve())
    this.#connection.connect()
    // Added after the library's own listeners, which have then processed the data.
    this.#socket
      .on('data', () => this.#checkFrame())
      .on('close', () => this.#lose(new Error('the server closed the connection')))
    await this.#untilOpen(opened, signal)
  }

  /** Opens a link that receives messages once it is given credit. Rejects if the server refuses it. */
  async openReceiver(options: ReceiverOptions, signal: AbortSignal): Promise<Receiver> {
    const receiver = this.#connection.open_receiver(options)
    const { promise: opened, resolve } = Promise.withResolvers<void>()
    // A link without a source has been refused, and a detach with the reason follows.
    receiver.once('receiver_open', () => receiver.source !== null && resolve())
    await this.#untilOpen(opened, signal)
    return receiver
  }

  /** Opens a link that sends messages. Rejects if the server refuses it. */
  async openSender(options: SenderOptions, signal: AbortSignal): Promise<Sender> {
    const sender = this.#connection.open_sender(options)
    const { promise: opened, resolve } = Promise.withResolvers<void>()
    sender.once('sender_open', () => sender.target !== null && resolve())
    await this.#untilOpen(opened, signal)
    return sender
  }

  get isOpen(): boolean {
    return this.#failure === null
  }

  /** Calls `listener` with the reason when the connection is lost. */
  onLost(listener: (cause: Error) => void): void {
    if (this.#failure === null) this.#listeners.push(listener)
    else listener(this.#failure)
  }

  /** Sends pending data, including acknowledgements, and closes the connection. */
  async close(): Promise<void> {
    if (this.#failure === null) {
      this.#listeners.length = 0
      this.#connection.close()
      const waiting = new AbortController()
      this.#socket.once('close', () => waiting.abort())
      await waitOrAbort(this.#clock, closeTimeoutMs, waiting.signal)
    }
    this.#lose(new NotConnectedError())
  }

  /**
   * Resolves when `opened` does; rejects if the connection is lost, nothing arrives for too long, or the signal aborts.
   */
  async #untilOpen(opened: Promise<void>, signal: AbortSignal): Promise<void> {
    const abort = () => this.#lose(asError(signal.reason))
    signal.addEventListener('abort', abort, { once: true })
    this.#socket.setTimeout(connectTimeoutMs)
    try {
      await Promise.race([opened, this.#lost.promise])
      this.#socket.setTimeout(0)
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  /** The library would buffer a frame of any announced size. */
  #checkFrame(): void {
    const announcedBytes: unknown = Reflect.get(this.#connection, 'frame_size')
    if (typeof announcedBytes === 'number' && announcedBytes > maxFrameBytes) {
      this.#lose(new Error(`the server announced a frame of ${announcedBytes} bytes, which is no AMQP 1.0`))
    }
  }

  #lose(cause: Error): void {
    if (this.#failure !== null) return
    this.#failure = cause
    this.#lost.reject(cause)
    for (const listener of this.#listeners) listener(cause)
    // With an error, because only that makes the library stop its timers.
    this.#socket.destroy(cause)
  }
}

/** Why the peer ended a link, the session or the connection. */
function reasonOf({ error, receiver, sender, session, connection }: EventContext): Error {
  const cause = [error, receiver?.error, sender?.error, session?.error, connection.error].find(Boolean)
  if (cause instanceof Error && !('condition' in cause)) return cause
  return new Error(describe(cause) || 'the server closed the connection', { cause })
}

/** Formats a protocol error: `amqp:not-found: no such queue`. */
export function describe(error: unknown): string {
  if (!isRecord(error)) return ''
  return [error['condition'], error['description']].filter(text => typeof text === 'string' && text !== '').join(': ')
}
