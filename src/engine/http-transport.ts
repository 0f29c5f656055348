import { constants } from 'node:buffer'
import { connect as connectTcp, type Socket, type TcpNetConnectOpts } from 'node:net'
import type { Readable } from 'node:stream'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { createGunzip, gunzip } from 'node:zlib'
import type { buildConnector, Dispatcher, request } from 'undici'
import { asError, codeOf, messageOf, serverName } from '../base/index.ts'
import type { TlsOptions } from './tls-field.ts'

/** The limit of Go's client. */
const maxRedirects = 10

/** Opens sockets. A host that restricts the network passes its own; the default is `node:net` and `node:tls`. */
interface SocketFactory {
  connect(options: TcpNetConnectOpts): Socket
  connectTls(options: ConnectionOptions): TLSSocket
}

/** How requests reach a server. */
export interface HttpTransportOptions {
  readonly tls?: TlsOptions
  /** A proxy for all requests. If absent, `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` of `environment` decide. */
  readonly proxyUrl?: string
  /** Defaults to no variables. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** Limit in milliseconds for opening a connection, including TLS. Defaults to 30,000. */
  readonly connectTimeoutMs?: number
  /** How long an idle connection is kept, in milliseconds. Defaults to 90,000. */
  readonly idleTimeoutMs?: number
  /** Opens every connection, including those to a proxy or after a redirect. */
  readonly sockets?: SocketFactory
}

export interface HttpRequest {
  readonly method: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent again if a redirect keeps the method. */
  readonly body?: Uint8Array | null
  /** Limit in milliseconds until the response headers arrive, redirects included. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

export interface WholeHttpRequest extends HttpRequest {
  /** A larger body rejects, with the code `too_large` unless it becomes so by decompression. Defaults to 16 MiB. */
  readonly maxBytes?: number
}

const defaultMaxBytes = 16 * 2 ** 20

/** A response, whatever its status. Its body must be read to the end or destroyed. */
export interface HttpResponse {
  readonly statusCode: number
  readonly statusText: string
  /** Names are in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** Decompressed, unless the request set `Accept-Encoding` itself. */
  readonly body: Readable
}

/** A response whose body has arrived, decompressed as in {@link HttpResponse}. */
export interface WholeHttpResponse {
  readonly statusCode: number
  readonly statusText: string
  /** Names are in lower case. */
  readonly headers: HttpResponse['headers']
  readonly body: Buffer
}

/** undici, loaded and configured. */
interface Client {
  readonly request: typeof request
  readonly dispatcher: Dispatcher
}

/** The headers or the body of a response did not arrive in time. */
class HttpTimeoutError extends Error {
  readonly code = 'timeout'

  constructor(reason = 'Client.Timeout exceeded while awaiting headers') {
    super(`context deadline exceeded (${reason})`)
    this.name = 'HttpTimeoutError'
  }
}

/** The body of a response is larger than the caller accepts. */
class HttpSizeError extends Error {
  readonly code = 'too_large'

  constructor(maxBytes: number) {
    super(`the response has more than ${maxBytes} bytes`)
    this.name = 'HttpSizeError'
  }
}

/**
 * Reads the body of a response. Rejects, and ends the connection, above `maxBytes` (16 MiB by default) with the code
 * `too_large`, and if the body does not end within `timeoutMs` with the code `timeout`.
 */
export async function wholeBody(
  body: Readable,
  {
    maxBytes = defaultMaxBytes,
    timeoutMs,
  }: { readonly maxBytes?: number; readonly timeoutMs?: number | undefined } = {},
): Promise<Buffer> {
  const late = () => body.destroy(new HttpTimeoutError('Client.Timeout or context cancellation while reading body'))
  const timer = timeoutMs === undefined ? undefined : setTimeout(late, timeoutMs)
  const pieces: Uint8Array[] = []
  let sizeBytes = 0
  try {
    for await (const piece of body) {
      pieces.push(piece)
      sizeBytes += pieces.at(-1)!.length
      if (sizeBytes > maxBytes) throw new HttpSizeError(maxBytes)
    }
  } finally {
    clearTimeout(timer)
  }
  return Buffer.concat(pieces)
}

/** Whether a request failed because of its connection or a timeout, so that retrying it may succeed. */
export function isHttpConnectionError(error: unknown): boolean {
  const code = codeOf(error) ?? ''
  return code === 'timeout' || /^(?:E[A-Z]+|UND_ERR_SOCKET|UND_ERR_CONNECT_TIMEOUT)$/.test(code)
}

/**
 * The HTTP client for components. Like Go's it keeps connections alive, follows redirects (dropping credentials when the
 * origin changes), uses proxies, and decompresses transparently. undici is loaded with the first request.
 */
export class HttpTransport {
  readonly #options: HttpTransportOptions
  #client: Promise<Client> | undefined

  constructor(options: HttpTransportOptions = {}) {
    this.#options = options
  }

  /** Rejects if the connection fails, the timeout expires, there are too many redirects, or the signal aborts. */
  async request(
    url: string,
    { method, headers = {}, body = null, timeoutMs, signal }: HttpRequest,
  ): Promise<HttpResponse> {
    this.#client ??= createClient(this.#options)
    const { request, dispatcher } = await this.#client
    // A dedicated controller that follows the signal until the body is closed, because `AbortSignal.any` leaves weak
    // references behind for each request, and takes 12 µs where this takes 4.
    const own = new AbortController()
    const abort = () => own.abort(signal?.reason)
    if (signal?.aborted === true) abort()
    signal?.addEventListener('abort', abort)
    const timer = setTimeout(() => own.abort(new HttpTimeoutError()), timeoutMs)
    const decompresses = !setsEncoding(headers)
    try {
      const response = await request(url, {
        method,
        headers: headersOf(url, headers, decompresses),
        body,
        dispatcher,
        signal: own.signal,
      })
      if (signal !== undefined) response.body.once('close', () => signal.removeEventListener('abort', abort))
      return decompresses && method !== 'HEAD' ? decompressed(response) : response
    } catch (error) {
      signal?.removeEventListener('abort', abort)
      throw inWordsOfTheOriginal(error)
    } finally {
      clearTimeout(timer)
    }
  }

  /**
   * As {@link request}, and reads the whole body: for responses that are known to be small. `timeoutMs` also limits how
   * long the body may pause. Without the stream and its iterator, 8,000 objects of 200 bytes take 1.4 s of processor time in the output `aws_s3` instead of 1.7 s.
   */
  async exchange(
    url: string,
    { method, headers = {}, body = null, timeoutMs, signal, maxBytes = defaultMaxBytes }: WholeHttpRequest,
  ): Promise<WholeHttpResponse> {
    this.#client ??= createClient(this.#options)
    const { dispatcher } = await this.#client
    const { origin, path } = partsOf(url)
    const decompresses = !setsEncoding(headers)
    const options = { origin, path, method, body, headers: headersOf(url, headers, decompresses) }
    try {
      const response = await new Exchange({ timeoutMs, maxBytes, signal }).run(handler =>
        dispatcher.dispatch(options, handler),
      )
      if (!decompresses || response.headers['content-encoding'] !== 'gzip' || response.body.length === 0)
        return response
      const { 'content-encoding': _, 'content-length': __, ...others } = response.headers
      const maxOutputLength = Math.min(maxBytes, constants.MAX_LENGTH)
      return { ...response, headers: others, body: await promisify(gunzip)(response.body, { maxOutputLength }) }
    } catch (error) {
      throw inWordsOfTheOriginal(error)
    }
  }

  /** Closes all connections; pending requests reject. */
  async close(): Promise<void> {
    const client = await this.#client
    await client?.dispatcher.destroy()
  }
}

/** One request and its whole response. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #timeoutMs: number
  readonly #maxBytes: number
  readonly #signal: AbortSignal | undefined
  readonly #settled = Promise.withResolvers<WholeHttpResponse>()
  #controller: Dispatcher.DispatchController | null = null
  #failure: Error | null = null
  #head: Omit<WholeHttpResponse, 'body'> = { statusCode: 0, statusText: '', headers: {} }
  #parts: Buffer[] = []
  #sizeBytes = 0
  #timer: NodeJS.Timeout | undefined

  constructor(limits: {
    readonly timeoutMs: number
    readonly maxBytes: number
    readonly signal: AbortSignal | undefined
  }) {
    this.#timeoutMs = limits.timeoutMs
    this.#maxBytes = limits.maxBytes
    this.#signal = limits.signal
  }

  async run(dispatch: (handler: Dispatcher.DispatchHandler) => void): Promise<WholeHttpResponse> {
    const abort = () => this.#fail(asError(this.#signal?.reason))
    this.#signal?.addEventListener('abort', abort)
    this.#timer = setTimeout(() => this.#fail(new HttpTimeoutError()), this.#timeoutMs)
    try {
      if (this.#signal?.aborted === true) abort()
      else dispatch(this)
      return await this.#settled.promise
    } finally {
      clearTimeout(this.#timer)
      this.#signal?.removeEventListener('abort', abort)
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // It starts again after each redirect.
    this.#controller = controller
    if (this.#failure !== null) controller.abort(this.#failure)
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    statusCode: number,
    headers: HttpResponse['headers'],
    statusText = '',
  ): void {
    if (statusCode < 200) return // such as 103 Early Hints
    this.#timer?.refresh()
    this.#head = { statusCode, statusText, headers }
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#timer?.refresh()
    this.#sizeBytes += chunk.length
    if (this.#sizeBytes > this.#maxBytes) return this.#fail(new HttpSizeError(this.#maxBytes))
    this.#parts.push(chunk)
  }

  onResponseEnd(): void {
    const body = this.#parts.length === 1 ? this.#parts[0]! : Buffer.concat(this.#parts)
    this.#settled.resolve({ ...this.#head, body })
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#settled.reject(error)
  }

  /** Rejects at once: a request that waits for a connection has no controller yet. */
  #fail(error: Error): void {
    this.#failure = error
    this.#controller?.abort(error)
    this.#settled.reject(error)
  }
}

function headersOf(url: string, headers: Readonly<Record<string, string>>, decompresses: boolean) {
  return { ...standingHeaders(url, headers), ...headers, ...(decompresses ? { 'Accept-Encoding': 'gzip' } : {}) }
}

/** Throws if the URL is malformed. */
function partsOf(url: string): { readonly origin: string; readonly path: string } {
  const { origin, pathname, search } = new URL(url)
  return { origin, path: pathname + search }
}

/** Default headers: `User-Agent`, without which some servers refuse requests, and the credentials of the URL. */
function standingHeaders(url: string, headers: Readonly<Record<string, string>>): Record<string, string> {
  const standing: Record<string, string> = { 'User-Agent': 'penstock' }
  if (url.includes('@') && URL.canParse(url)) {
    const { username, password } = new URL(url)
    const user = [username, password].map(decodeURIComponent).join(':')
    if (user !== ':') standing['Authorization'] = `Basic ${Buffer.from(user).toString('base64')}`
  }
  for (const name of Object.keys(headers)) {
    if (/^(?:user-agent|authorization)$/i.test(name)) {
      delete standing[name.toLowerCase() === 'user-agent' ? 'User-Agent' : 'Authorization']
    }
  }
  return standing
}

/** A failed connection, with Node's error code. */
class HttpConnectionError extends Error {
  readonly code: string

  constructor(reason: string, code: string, cause: unknown) {
    super(reason, { cause })
    this.name = 'HttpConnectionError'
    this.code = code
  }
}

/** The codes of Node for a connection that failed, beside those of undici. */
const connectionCodes: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'ECONNRESET',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_HAS_EXPIRED',
])

function inWordsOfTheOriginal(caught: unknown): unknown {
  // A name with several addresses fails once for each; the original reports the first failure.
  const error: unknown = caught instanceof AggregateError ? caught.errors[0] : caught
  const code = codeOf(error) ?? ''
  if (code === 'UND_ERR_SOCKET') return new HttpConnectionError('EOF', code, error)
  return connectionCodes.has(code) ? new HttpConnectionError(messageOf(error), code, error) : error
}

function setsEncoding(headers: Readonly<Record<string, string>>): boolean {
  return Object.keys(headers).some(name => /^(?:accept-encoding|range)$/i.test(name))
}

function decompressed(response: HttpResponse): HttpResponse {
  const { 'content-encoding': encoding, 'content-length': _, ...headers } = response.headers
  if (encoding !== 'gzip') return response
  const { statusCode, statusText, body } = response
  const plain = createGunzip()
  body.on('error', error => plain.destroy(error))
  plain.on('close', () => body.destroy())
  return { statusCode, statusText, headers, body: body.pipe(plain) }
}

async function createClient(options: HttpTransportOptions): Promise<Client> {
  // The default export, because a bundled CommonJS module has no named ones.
  const { default: undici } = await import('undici')
  const { Agent, EnvHttpProxyAgent, interceptors, Pool, ProxyAgent, request } = undici
  const { idleTimeoutMs = 90_000, proxyUrl = '', tls } = options
  const environment = proxyVariables(options.environment ?? {})
  const connect = connector(options)
  const proxies = [proxyUrl, environment.httpProxy, environment.httpsProxy].filter(uri => uri !== '').map(originOf)
  // undici opens proxy connections itself unless their pool is created here.
  const factory = (origin: string | URL, own: object) =>
    new Pool(origin, proxies.includes(originOf(origin)) ? { ...own, connect } : own)
  const agentOptions = {
    connect,
    factory,
    clientFactory: factory,
    requestTls: { ...tls, allowH2: false },
    keepAliveTimeout: idleTimeoutMs,
    keepAliveMaxTimeout: idleTimeoutMs,
    // A request has its own deadline, and a streamed body may pause for any length of time.
    headersTimeout: 0,
    bodyTimeout: 0,
  }
  const agent =
    proxyUrl !== ''
      ? new ProxyAgent({ ...agentOptions, uri: proxyUrl })
      : proxies.length > 0
        ? new EnvHttpProxyAgent({ ...agentOptions, ...environment })
        : new Agent(agentOptions)
  const redirects = interceptors.redirect({ maxRedirections: maxRedirects, throwOnMaxRedirect: true })
  return { request, dispatcher: agent.compose(redirects) }
}

/** Like Go's client, never uses a proxy for the local host. Empty strings keep undici from reading `process.env`. */
function proxyVariables(environment: Readonly<Record<string, string | undefined>>) {
  const read = (name: string) => environment[name] ?? environment[name.toLowerCase()] ?? ''
  return {
    httpProxy: read('HTTP_PROXY'),
    httpsProxy: read('HTTPS_PROXY'),
    noProxy: `${read('NO_PROXY')},localhost,127.0.0.1,::1`,
  }
}

function originOf(url: string | URL): string {
  return new URL(url).origin
}

/** Opens sockets for undici through the client's socket factory. */
function connector(options: HttpTransportOptions): buildConnector.connector {
  const { tls, connectTimeoutMs = 30_000, sockets = { connect: connectTcp, connectTls } } = options
  return ({ protocol, hostname, port, servername, httpSocket }, callback) => {
    const isSecure = protocol === 'https:'
    const address = { host: hostname, port: port === '' ? (isSecure ? 443 : 80) : Number(port) }
    const socket = isSecure
      ? sockets.connectTls({ ...tls, ...address, servername: servername ?? serverName(hostname), socket: httpSocket })
      : sockets.connect(address)
    const timer = setTimeout(
      () => socket.destroy(new Error(`dial tcp ${hostname}:${address.port}: i/o timeout`)),
      connectTimeoutMs,
    )
    const fail = (error: Error) => {
      clearTimeout(timer)
      callback(error, null)
    }
    socket.once('error', fail).once(isSecure ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer)
      socket.off('error', fail)
      callback(null, socket)
    })
    socket.setNoDelay(true)
  }
}
