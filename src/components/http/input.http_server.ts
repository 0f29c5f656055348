import { messageOf } from '../../base/index.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { type WebSocket, WebSocketServer } from 'ws'
import { toText, type Value } from '../../bloblang/index.ts'
import {
  answerError,
  ConfigError,
  defineInput,
  deliverBatch,
  type Delivery,
  field,
  type Infer,
  type Input,
  Message,
  type MessageContext,
  metadataFilter,
  metadataFilterFields,
  type Resources,
} from '../../engine/index.ts'
import { checkServed, type Served, serve, servedFields } from './served.ts'
import { joinMultipart, splitMultipart } from './multipart.ts'
import { detectContentType } from './content-type.ts'

const config = field.object({
  ...servedFields,
  path: field.string('The path that accepts requests.').default('/post'),
  ws_path: field.string('The path that accepts WebSocket connections.').default('/post/ws'),
  ws_welcome_message: field.string('A message sent to WebSocket clients when they connect.').default('').advanced(),
  ws_rate_limit_message: field
    .string('A message sent to WebSocket clients that exceed the rate limit.')
    .default('')
    .advanced(),
  allowed_verbs: field.string('The accepted methods.').list().default(['POST']),
  timeout: field.duration('How long a request waits for its message to be delivered.').default('5s'),
  rate_limit: field.string('A rate limit resource that limits the requests.').default(''),
  sync_response: field
    .object({
      status: field.interpolated('The status of the response.').default('200').advanced(),
      headers: field
        .interpolated('Headers of the response.')
        .map()
        .default({ 'Content-Type': 'application/octet-stream' })
        .advanced(),
      metadata_headers: field.object(metadataFilterFields, 'Which metadata becomes response headers.').advanced(),
    })
    .advanced(),
})

type Config = Infer<typeof config>

export default defineInput({
  name: 'http_server',
  status: 'stable',
  categories: ['Network'],
  summary: 'Receives messages sent over HTTP or WebSocket.',
  description: `A request is answered once its message has been delivered: with 200, or with 502 if delivery failed, 408 if it took longer
than the timeout, or 429 if the rate limit was exceeded. A \`multipart\` body is a batch. Metadata: \`http_server_user_agent\`,
\`http_server_request_path\`, \`http_server_verb\`, \`http_server_remote_ip\`, then headers, query parameters, path parameters and
cookies by name. Messages passed to \`sync_response\` become the body of the response.`,
  config,
  create: (options, resources) => new HttpServerInput(options, resources),
})

/** A request waiting to be read by the stream. */
interface Waiting {
  readonly delivery: Delivery
  taken: boolean
}

class HttpServerInput implements Input {
  readonly #config: Config
  readonly #resources: Resources
  readonly #responseMetadata: (key: string) => boolean
  readonly #sockets = new WebSocketServer({ noServer: true })
  #waiting: Waiting[] = []
  #wake: (() => void) | null = null
  #closing = false
  #served: Served | null = null
  #unregister: (() => void)[] = []

  constructor(options: Config, resources: Resources) {
    this.#config = options
    this.#resources = resources
    this.#responseMetadata = metadataFilter(options.sync_response.metadata_headers)
    if (options.rate_limit !== '' && !resources.hasResource('rate_limit', options.rate_limit)) {
      throw new ConfigError(`rate limit resource '${options.rate_limit}' was not found`)
    }
    checkServed('http_server', options, resources)
  }

  async connect(): Promise<void> {
    if (this.#unregister.length > 0) return
    const { address, cert_file: certFile, path, ws_path: wsPath } = this.#config
    const served = await serve(this.#config, this.#resources)
    this.#served = served
    const { host } = served
    if (path !== '') {
      this.#unregister.push(
        host.register({
          path,
          description: 'Post a message into Bento.',
          handle: (request, response, parameters) => this.#post(request, response, parameters),
        }),
      )
    }
    if (wsPath !== '') {
      this.#unregister.push(
        host.register({
          path: wsPath,
          description: 'Post messages via websocket into Bento.',
          handle: (_request, response) => answerError(response, 400, 'Bad Request'),
          upgrade: (request, socket, head, parameters) => this.#accept(request, socket, head, parameters),
        }),
      )
    }
    if (address !== '') {
      const url = `${certFile === '' ? 'http' : 'https'}://${address}${path}`
      this.#resources.log.info(`Receiving HTTP messages at: ${url}`)
    }
  }

  async read(signal: AbortSignal): Promise<Delivery | null> {
    for (;;) {
      const next = this.#waiting.shift()
      if (next !== undefined) {
        next.taken = true
        return next.delivery
      }
      if (signal.aborted) return null
      await new Promise<void>(resolve => {
        const done = () => {
          signal.removeEventListener('abort', done)
          this.#wake = null
          resolve()
        }
        this.#wake = done
        signal.addEventListener('abort', done, { once: true })
      })
    }
  }

  async close(): Promise<void> {
    this.#closing = true
    for (const unregister of this.#unregister) unregister()
    for (const { delivery } of this.#waiting) await delivery.ack(new Error('Server closing'))
    this.#waiting = []
    for (const socket of this.#sockets.clients) socket.close(1001)
    await this.#served?.close()
  }

  async #post(
    request: IncomingMessage,
    response: ServerResponse,
    parameters: ReadonlyMap<string, string>,
  ): Promise<void> {
    if (this.#closing) return answerError(response, 503, 'Server closing')
    if (!this.#config.allowed_verbs.includes(request.method ?? ''))
      return answerError(response, 405, 'Incorrect method')
    if (await this.#limited(response)) return
    let messages: Message[]
    try {
      messages = await readMessages(request, parameters)
    } catch (error) {
      this.#resources.log.warn(`Request read failed: ${messageOf(error)}`)
      return answerError(response, 400, 'Bad request')
    }
    const answers: Message[] = []
    const outcome = await this.#deliver(messages, answers, request)
    switch (outcome.kind) {
      case 'delivered':
        return this.#respond(response, answers)
      case 'failed':
        return answerError(response, outcome.closing ? 503 : 502, outcome.message)
      case 'timeout':
        return answerError(response, 408, 'Request timed out')
    }
  }

  /** Hands messages to the stream and waits for their outcome, at most until the timeout. */
  #deliver(messages: readonly Message[], answers: Message[], request: IncomingMessage): Promise<Outcome> {
    return new Promise(resolve => {
      const context = { respond: (more: readonly Message[]) => void answers.push(...more) }
      const settle = (outcome: Outcome) => {
        clearTimeout(timer)
        // The request is no longer waiting, so messages that were not read yet are dropped.
        this.#waiting = this.#waiting.filter(entry => entry !== waiting)
        resolve(outcome)
      }
      const waiting: Waiting = {
        taken: false,
        delivery: deliverBatch(
          messages.map(message => this.#inContext(message, context, request)),
          error =>
            settle(
              error === null
                ? { kind: 'delivered' }
                : { kind: 'failed', message: error.message, closing: this.#closing },
            ),
        ),
      }
      const timer = setTimeout(() => settle({ kind: 'timeout' }), this.#config.timeout ?? 5000)
      request.once('close', () => {
        if (request.destroyed && !request.complete) settle({ kind: 'timeout' })
      })
      this.#waiting.push(waiting)
      this.#wake?.()
    })
  }

  /** Gives a message the context for its response, continuing the trace of its request. */
  #inContext(message: Message, context: MessageContext, request: IncomingMessage): Message {
    const { tracer } = this.#resources
    if (tracer === null) return message.withContext(context)
    const { traceparent, tracestate } = request.headers
    const carrier = {
      ...(typeof traceparent === 'string' && { traceparent }),
      ...(typeof tracestate === 'string' && { tracestate }),
    }
    const kind = request.headers.upgrade === undefined ? 'post' : 'websocket'
    return message.withContext({ ...context, span: tracer.start(`input_http_server_${kind}`, carrier) })
  }

  #respond(response: ServerResponse, messages: readonly Message[]): void {
    if (messages.length === 0) {
      response.writeHead(200).end()
      return
    }
    const { status, headers } = this.#config.sync_response
    for (const [name, value] of Object.entries(headers)) {
      try {
        response.setHeader(name, value.eval(messages, 0))
      } catch (error) {
        this.#resources.log.error(`Interpolation of response header ${name} error: ${String(error)}`)
      }
    }
    let code: number
    try {
      code = Number(status.eval(messages, 0))
      if (!Number.isInteger(code) || code < 100 || code > 999)
        throw new Error(`status is not a number: ${status.eval(messages, 0)}`)
    } catch (error) {
      this.#resources.log.error(`Failed to parse sync response status code expression: ${String(error)}`)
      response.writeHead(502).end()
      return
    }
    for (const message of messages) {
      for (const [key, value] of message.metadata)
        if (this.#responseMetadata(key)) response.setHeader(key, toText(value))
    }
    if (messages.length === 1) {
      const body = messages[0]!.bytes()
      if (!response.hasHeader('content-type')) response.setHeader('Content-Type', detectContentType(body))
      response.writeHead(code).end(body)
      return
    }
    const type = Object.entries(headers).find(([name]) => name === 'content-type')?.[1]
    const { boundary, body } = joinMultipart(
      messages.map((message, index) => ({
        headers: { 'Content-Type': type?.eval(messages, index) ?? detectContentType(message.bytes()) },
        body: message.bytes(),
      })),
    )
    response.setHeader('Content-Type', `multipart/form-data; boundary=${boundary}`)
    response.writeHead(code).end(body)
  }

  async #limited(response: ServerResponse): Promise<boolean> {
    if (this.#config.rate_limit === '') return false
    try {
      const waitMs = await this.#resources.rateLimit(this.#config.rate_limit).access()
      if (waitMs <= 0) return false
      response.setHeader('Retry-After', String(Math.floor(waitMs / 1000)))
      answerError(response, 429, 'Too Many Requests')
    } catch (error) {
      this.#resources.log.warn(`Failed to access rate limit: ${messageOf(error)}`)
      answerError(response, 502, 'Server error')
    }
    return true
  }

  #accept(request: IncomingMessage, socket: Duplex, head: Uint8Array, parameters: ReadonlyMap<string, string>): void {
    this.#sockets.handleUpgrade(request, socket, Buffer.from(head), client => {
      if (this.#config.ws_welcome_message !== '') client.send(Buffer.from(this.#config.ws_welcome_message))
      // One message at a time: the next one stays in the socket, so that a slow stream slows down the sender.
      client.on('message', data => {
        client.pause()
        void this.#takeSocketMessage(client, request, asBuffer(data), parameters).finally(() => client.resume())
      })
      client.on('error', error => this.#resources.log.warn(`Websocket request failed: ${error.message}`))
    })
  }

  async #takeSocketMessage(
    client: WebSocket,
    request: IncomingMessage,
    body: Buffer,
    parameters: ReadonlyMap<string, string>,
  ): Promise<void> {
    const metadata = new Map<string, Value>([['http_server_user_agent', request.headers['user-agent'] ?? '']])
    addRequestMetadata(metadata, request, parameters)
    while (this.#config.rate_limit !== '' && !this.#closing) {
      const waitMs = await this.#resources.rateLimit(this.#config.rate_limit).access()
      if (waitMs <= 0) break
      if (this.#config.ws_rate_limit_message !== '') client.send(Buffer.from(this.#config.ws_rate_limit_message))
      await this.#resources.clock.sleep(waitMs)
    }
    let backOffMs = 100
    while (!this.#closing && client.readyState === client.OPEN) {
      const answers: Message[] = []
      const context = { respond: (more: readonly Message[]) => void answers.push(...more) }
      const error = await new Promise<Error | null>(resolve => {
        const message = this.#inContext(Message.fromBytes(body, metadata), context, request)
        this.#waiting.push({ taken: false, delivery: deliverBatch([message], resolve) })
        this.#wake?.()
      })
      if (error === null) {
        for (const message of answers) client.send(message.text())
        return
      }
      await this.#resources.clock.sleep(backOffMs)
      backOffMs = Math.min(backOffMs * 2, 5000)
    }
  }
}

type Outcome =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'failed'; readonly message: string; readonly closing: boolean }
  | { readonly kind: 'timeout' }

/** The messages of a request: its body, or the parts of a `multipart` body. */
async function readMessages(request: IncomingMessage, parameters: ReadonlyMap<string, string>): Promise<Message[]> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer) // a request without an encoding yields buffers
  const body = Buffer.concat(chunks)
  const metadata = new Map<string, Value>([
    ['http_server_user_agent', request.headers['user-agent'] ?? ''],
    ['http_server_request_path', (request.url ?? '/').split('?', 1)[0]!],
    ['http_server_verb', request.method ?? ''],
  ])
  if (request.socket.remoteAddress !== undefined) metadata.set('http_server_remote_ip', request.socket.remoteAddress)
  const tls = request.socket as Partial<TLSSocket> // a plain socket has none of its fields
  if (tls.encrypted === true) {
    metadata.set('http_server_tls_version', tls.getProtocol?.() ?? '')
    metadata.set('http_server_tls_cipher_suite', tls.getCipher?.().standardName ?? '')
  }
  addRequestMetadata(metadata, request, parameters)
  const type = request.headers['content-type'] ?? 'application/octet-stream'
  const boundary = /^multipart\/[^;]*;(?:.*;)?\s*boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(type)
  if (boundary === null && /^multipart\//i.test(type)) throw new Error('multipart: boundary is empty')
  const bodies = boundary === null ? [body] : splitMultipart(body, boundary[1] ?? boundary[2]!)
  return bodies.map(part => Message.fromBytes(part, metadata))
}

/** Adds headers, query parameters, path parameters and cookies; later ones override earlier ones. */
function addRequestMetadata(
  metadata: Map<string, Value>,
  request: IncomingMessage,
  parameters: ReadonlyMap<string, string>,
): void {
  for (const [name, values] of Object.entries(request.headersDistinct)) {
    if (name !== 'host' && values?.[0] !== undefined) metadata.set(canonicalHeader(name), values[0])
  }
  const query = new URLSearchParams((request.url ?? '').split('?')[1] ?? '')
  for (const name of new Set(query.keys())) metadata.set(name, query.get(name)!)
  for (const [name, value] of parameters) metadata.set(name, value)
  for (const cookie of (request.headers.cookie ?? '').split(';')) {
    const at = cookie.indexOf('=')
    if (at > 0)
      metadata.set(
        cookie.slice(0, at).trim(),
        cookie
          .slice(at + 1)
          .trim()
          .replace(/^"(.*)"$/, '$1'),
      )
  }
}

/** Turns `content-type` into `Content-Type`: the spelling of Go, and so of the original. */
function canonicalHeader(name: string): string {
  return name.toLowerCase().replace(/(^|-)[a-z]/g, letter => letter.toUpperCase())
}

function asBuffer(data: Buffer | ArrayBuffer | Buffer[]): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data)
  return data instanceof ArrayBuffer ? Buffer.from(data) : data
}
