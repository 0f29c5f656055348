import { messageOf, asError } from '../../base/index.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import {
  answerError,
  type Batch,
  ClosedError,
  ConfigError,
  defineOutput,
  field,
  type Infer,
  type Output,
  pause,
  type Resources,
} from '../../engine/index.ts'
import { joinMultipart } from './multipart.ts'
import { checkServed, serve, type Served, servedFields } from './served.ts'

const config = field.object({
  ...servedFields,
  path: field.string('The path that returns one message, or one batch.').default('/get'),
  stream_path: field.string('The path that streams messages.').default('/get/stream'),
  stream_format: field.string('The format of `stream_path`.').default('raw_bytes').options({
    raw_bytes: 'Each message followed by a line break, with another one after a batch of several.',
    event_source: 'Server-sent events, which browsers read with `EventSource`.',
  }),
  heartbeat: field
    .duration('How often a comment is sent while there are no events, with `event_source`; 0s means never.')
    .default('0s')
    .advanced(),
  ws_path: field.string('The path that sends messages over WebSocket.').default('/get/ws'),
  ws_message_type: field.string('The type of WebSocket messages.').default('binary').options({ binary: '', text: '' }),
  allowed_verbs: field.string('The accepted methods of `path` and `stream_path`.').list().default(['GET']),
  timeout: field.duration('How long a request to `path` waits for a message.').default('5s').advanced(),
  write_wait: field.duration('How long sending a WebSocket message may take.').default('10s').advanced(),
  pong_wait: field.duration('How long a WebSocket client may take to answer a ping.').default('60s').advanced(),
  ping_period: field.duration('How often WebSocket clients are pinged.').default('54s').advanced(),
})

type Config = Infer<typeof config>

export default defineOutput({
  name: 'http_server',
  status: 'stable',
  categories: ['Network'],
  summary: 'Serves messages to clients over HTTP, server-sent events or WebSocket.',
  description: `Each message goes to one client, and counts as delivered once it has been written to its connection. Messages wait until
a client requests them. A batch of several messages is returned by \`path\` as a \`multipart\` response.`,
  config,
  examples: [
    {
      title: 'Server-sent events for a browser',
      config: `output:
  http_server:
    stream_path: /events
    stream_format: event_source
    cors:
      enabled: true
      allowed_origins: [ '*' ]
`,
    },
  ],
  maxInFlight: 1,
  create(options, resources) {
    if (options.allowed_verbs.length === 0) throw new ConfigError('must specify at least one allowed verb')
    checkServed('http_server', options, resources)
    return new HttpServerOutput(options, resources)
  },
})

class HttpServerOutput implements Output {
  readonly #config: Config
  readonly #resources: Resources
  readonly #offers = new Offers()
  readonly #sockets = new WebSocketServer({ noServer: true, maxPayload: 512 })
  /** Aborts when the output closes. */
  readonly #closing = new AbortController()
  #served: Served | null = null
  #withdrawals: (() => void)[] = []
  /** Requests being answered. */
  readonly #answering = new Set<Promise<void>>()

  constructor(options: Config, resources: Resources) {
    this.#config = options
    this.#resources = resources
  }

  async connect(): Promise<void> {
    if (this.#served !== null) return
    const { address, cert_file: certFile, path, stream_path: streamPath, ws_path: wsPath } = this.#config
    const served = await serve(this.#config, this.#resources)
    this.#served = served
    const register = (at: string, endpoint: Omit<Parameters<Served['host']['register']>[0], 'path'>) => {
      if (at !== '') this.#withdrawals.push(served.host.register({ path: at, ...endpoint }))
    }
    register(path, {
      description: 'Read a single message from Bento.',
      handle: (request, response) => this.#tracked(this.#get(request, response)),
    })
    register(streamPath, {
      description: 'Read a continuous stream of messages from Bento.',
      handle: (request, response) => this.#tracked(this.#stream(request, response)),
    })
    register(wsPath, {
      description: 'Read messages from Bento via websockets.',
      handle: (_request, response) => answerError(response, 400, 'Bad Request'),
      upgrade: (request, socket, head) => this.#accept(request, socket, head),
    })
    if (address !== '') {
      const url = `${certFile === '' ? 'http' : 'https'}://${address}${path}`
      this.#resources.log.info(`Serving messages through HTTP GET request at: ${url}`)
    }
  }

  /** Resolves once a client has received the batch. */
  write(batch: Batch, signal: AbortSignal): Promise<void> {
    return this.#offers.put(batch, signal)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    for (const withdraw of this.#withdrawals) withdraw()
    for (const socket of this.#sockets.clients) socket.close(1001)
    // Bounds the wait, because the response to a client that does not read never ends.
    const over = new AbortController()
    await Promise.race([Promise.allSettled(this.#answering), pause(1000, over.signal)])
    over.abort()
    await this.#served?.close()
  }

  async #get(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#closing.signal.aborted) return answerError(response, 503, 'Server closed')
    if (!this.#allows(request)) return answerError(response, 405, 'Incorrect method')
    const gone = this.#until(response)
    const over = AbortSignal.any([gone, AbortSignal.timeout(this.#config.timeout ?? 5000)])
    const offer = await this.#offers.take(over)
    if (this.#closing.signal.aborted) {
      offer?.putBack()
      return answerError(response, 503, 'Server closed')
    }
    if (offer === null) return answerError(response, 408, 'Timed out waiting for message')
    const { batch } = offer
    const { type, body } = batch.length === 1 ? plain(batch[0]!.bytes()) : multipart(batch)
    response.writeHead(200, { 'content-type': type, 'content-length': body.length })
    await offer.deliver(() => written(response, body, gone))
    await ended(response)
  }

  async #stream(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.#allows(request)) return answerError(response, 405, 'Incorrect method')
    const isEvents = this.#config.stream_format === 'event_source'
    if (isEvents) this.#writeEventHead(request, response)
    response.flushHeaders()
    const gone = this.#until(response)
    const heartbeatMs = isEvents ? (this.#config.heartbeat ?? 0) : 0
    while (!gone.aborted) {
      const offer = await this.#takeWithin(heartbeatMs, gone)
      if (offer === null && !gone.aborted) await written(response, Buffer.from(': heartbeat\n\n'), gone)
      if (offer === null) continue
      const bytes = isEvents ? eventsOf(offer.batch) : linesOf(offer.batch)
      await offer.deliver(() => written(response, bytes, gone))
    }
    await ended(response)
  }

  #writeEventHead(request: IncomingMessage, response: ServerResponse): void {
    const { enabled, allowed_origins: origins } = this.#config.cors
    const { origin = '' } = request.headers
    const allowed = origins.includes('*') ? '*' : origins.includes(origin) ? origin : undefined
    if (enabled && allowed !== undefined) response.setHeader('access-control-allow-origin', allowed)
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
  }

  #accept(request: IncomingMessage, socket: Duplex, head: Uint8Array): void {
    if (!this.#admitsOrigin(request.headers.origin)) {
      socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
      return
    }
    this.#sockets.handleUpgrade(request, socket, Buffer.from(head), client => {
      this.#serveSocket(client).catch((error: unknown) => {
        this.#resources.log.warn(`WebSocket request failed: ${messageOf(error)}`)
        client.terminate()
      })
    })
  }

  #admitsOrigin(origin: string | undefined): boolean {
    const { enabled, allowed_origins: origins } = this.#config.cors
    return !enabled || origin === undefined || origins.includes('*') || origins.includes(origin)
  }

  async #serveSocket(client: WebSocket): Promise<void> {
    const left = new AbortController()
    client
      .on('close', () => left.abort())
      .on('error', error => {
        this.#resources.log.warn(`WebSocket read error: ${error.message}`)
      })
    const gone = AbortSignal.any([left.signal, this.#closing.signal])
    const stopPings = this.#ping(client, gone)
    const binary = this.#config.ws_message_type !== 'text'
    try {
      while (!gone.aborted) {
        const offer = await this.#offers.take(gone)
        if (offer === null) continue
        await offer.deliver(async () => {
          for (const message of offer.batch) await this.#send(client, message.bytes(), binary)
        })
      }
    } finally {
      stopPings()
      client.close(1001)
    }
  }

  #send(client: WebSocket, bytes: Uint8Array, binary: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        client.terminate()
        reject(new Error('the WebSocket client took too long to read'))
      }, this.#config.write_wait ?? 10_000)
      client.send(bytes, { binary }, error => {
        clearTimeout(timer)
        if (error === undefined || error === null) resolve()
        else reject(error)
      })
    })
  }

  /** Pings a client, and terminates its connection if it does not answer in time. */
  #ping(client: WebSocket, gone: AbortSignal): () => void {
    const pongWaitMs = this.#config.pong_wait ?? 60_000
    const timeOut = () => client.terminate()
    let overdue = setTimeout(timeOut, pongWaitMs)
    client.on('pong', () => {
      clearTimeout(overdue)
      if (!gone.aborted) overdue = setTimeout(timeOut, pongWaitMs)
    })
    const timer = setInterval(() => client.ping(), this.#config.ping_period ?? 54_000)
    return () => {
      clearInterval(timer)
      clearTimeout(overdue)
    }
  }

  /** The next offer; null if none arrives in time (0 for no limit), or when the signal aborts. */
  async #takeWithin(ms: number, signal: AbortSignal): Promise<Offer | null> {
    if (ms <= 0) return await this.#offers.take(signal)
    const over = new AbortController()
    const timer = setTimeout(() => over.abort(), ms)
    try {
      return await this.#offers.take(AbortSignal.any([signal, over.signal]))
    } finally {
      clearTimeout(timer)
    }
  }

  async #tracked(answering: Promise<void>): Promise<void> {
    this.#answering.add(answering)
    try {
      await answering
    } finally {
      this.#answering.delete(answering)
    }
  }

  #allows({ method = '' }: IncomingMessage): boolean {
    return this.#config.allowed_verbs.includes(method)
  }

  /** Aborts when the client disconnects or the output closes. */
  #until(response: ServerResponse): AbortSignal {
    const left = new AbortController()
    response.once('close', () => left.abort())
    return AbortSignal.any([left.signal, this.#closing.signal])
  }
}

/** A batch waiting for a client. */
class Offer {
  readonly batch: Batch
  readonly #settle: (error: Error | null) => void
  readonly #again: (offer: Offer) => void

  constructor(batch: Batch, settle: (error: Error | null) => void, again: (offer: Offer) => void) {
    this.batch = batch
    this.#settle = settle
    this.#again = again
  }

  /** Settles the batch with the outcome of writing it to a client. Rejects if that failed. */
  async deliver(write: () => Promise<void>): Promise<void> {
    try {
      await write()
    } catch (error) {
      this.#settle(asError(error))
      throw error
    }
    this.#settle(null)
  }

  /** Leaves the batch to another client. */
  putBack(): void {
    this.#again(this)
  }
}

/** Matches waiting batches with waiting clients, both in order. */
class Offers {
  #offers: Offer[] = []
  #takers: ((offer: Offer) => void)[] = []

  /** Resolves once a client has received the batch; rejects if the signal aborts before one took it. */
  put(batch: Batch, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error: Error | null) => {
        signal.removeEventListener('abort', abort)
        if (error === null) resolve()
        else reject(error)
      }
      const offer = new Offer(batch, settle, again => this.#offers.unshift(again))
      const abort = () => {
        this.#offers = this.#offers.filter(each => each !== offer)
        settle(new ClosedError())
      }
      if (signal.aborted) return abort()
      signal.addEventListener('abort', abort, { once: true })
      const taker = this.#takers.shift()
      if (taker === undefined) this.#offers.push(offer)
      else taker(offer)
    })
  }

  /** The next batch; null if the signal aborts before there is one. */
  take(signal: AbortSignal): Promise<Offer | null> {
    const offer = signal.aborted ? undefined : this.#offers.shift()
    if (offer !== undefined) return Promise.resolve(offer)
    return new Promise(resolve => {
      if (signal.aborted) return resolve(null)
      const taker = (taken: Offer) => {
        signal.removeEventListener('abort', abort)
        resolve(taken)
      }
      const abort = () => {
        this.#takers = this.#takers.filter(each => each !== taker)
        resolve(null)
      }
      this.#takers.push(taker)
      signal.addEventListener('abort', abort, { once: true })
    })
  }
}

/** Writes to a response; rejects if the client disconnects first. */
function written(response: ServerResponse, bytes: Uint8Array, gone: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(new Error('the client closed the connection'))
    if (gone.aborted) return abort()
    gone.addEventListener('abort', abort, { once: true })
    response.write(bytes, error => {
      gone.removeEventListener('abort', abort)
      if (error === null || error === undefined) resolve()
      else reject(error)
    })
  })
}

/** Ends a response; resolves once it is sent, or the client has disconnected. */
function ended(response: ServerResponse): Promise<void> {
  return new Promise(resolve => {
    if (response.destroyed) return resolve()
    response.once('close', resolve)
    response.end(resolve)
  })
}

function plain(body: Uint8Array): { readonly type: string; readonly body: Uint8Array } {
  return { type: 'application/octet-stream', body }
}

function multipart(batch: Batch): { readonly type: string; readonly body: Uint8Array } {
  const headers = { 'Content-Type': 'application/octet-stream' }
  const { boundary, body } = joinMultipart(batch.map(message => ({ headers, body: message.bytes() })))
  return { type: `multipart/form-data; boundary=${boundary}`, body }
}

const lineBreak = Buffer.from('\n')

function linesOf(batch: Batch): Uint8Array {
  const lines = batch.flatMap(message => [message.bytes(), lineBreak])
  return Buffer.concat(batch.length === 1 ? lines : [...lines, lineBreak])
}

/** Encodes each message as an event, with a `data` field for each line. */
function eventsOf(batch: Batch): Uint8Array {
  const event = (text: string) =>
    text
      .split('\n')
      .map(line => `data: ${line}\n`)
      .join('')
  return Buffer.from(batch.map(message => `${event(message.text())}\n`).join(''))
}
