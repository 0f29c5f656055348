import { asError } from '../../base/index.ts'
import { Buffer } from 'node:buffer'
import { gzipSync } from 'node:zlib'
import {
  addressOfUrl,
  Backoff,
  field,
  HttpTransport,
  type Infer,
  type Message,
  type Resources,
  tlsField,
  tlsOptions,
} from '../../engine/index.ts'

export const serverFields = {
  urls: field
    .string('The URLs of the servers; requests go to each in turn.')
    .needs('network', value => addressOfUrl(value))
    .list()
    .examples(['http://localhost:9200']),
  tls: tlsField,
  basic_auth: field
    .object({
      enabled: field.bool('Whether to send a user name and password.').default(false).advanced(),
      username: field.string('The user name.').default('').advanced(),
      password: field.string('The password.').default('').secret().advanced(),
    })
    .optional()
    .advanced(),
} as const

type ServerConfig = Infer<typeof serverFields>

export interface BulkOptions {
  readonly timeoutMs: number
  /** Takes precedence over user name and password. */
  readonly apiKey?: string | undefined
  readonly gzip?: boolean
  /** Statuses after which a request is retried at the next server. */
  readonly retryOn: readonly number[]
  readonly retries: number
  /** The pauses before the retries of a request; without it there are no retries. */
  readonly backoff?: () => Backoff
  /** How long after its start a request may still be retried; 0 for no limit. */
  readonly maxElapsedMs?: number
  /** Query string of the request, including the `?`. */
  readonly query?: string
  /** When the addresses of the cluster's nodes replace the URLs. */
  readonly discovery?: {
    readonly onStart: boolean
    /** Pause between two discoveries, each of which precedes a request; 0 for no repetition. */
    readonly intervalMs: number
  }
  /** Headers that authenticate a request, instead of user and password. */
  readonly sign?: (request: BulkRequest) => Promise<Readonly<Record<string, string>>>
}

/** A request before it is signed. */
export interface BulkRequest {
  readonly method: string
  readonly url: URL
  readonly body: Uint8Array | null
}

/** One change of an index. */
export interface BulkItem {
  readonly action: 'index' | 'create' | 'update' | 'delete'
  readonly index: string
  readonly id: string
  readonly routing: string
  readonly pipeline?: string
  /** A document on one line; null if the action has none. */
  readonly body: Uint8Array | null
}

interface BulkAnswer {
  readonly items?: readonly Readonly<Record<string, ItemAnswer>>[]
}

interface ItemAnswer {
  readonly status?: number
  readonly error?: { readonly type?: string; readonly reason?: string }
}

interface NodesAnswer {
  readonly nodes?: Readonly<Record<string, NodeAnswer>>
}

interface NodeAnswer {
  readonly roles?: readonly string[]
  /** `127.0.0.1:9200`, `[::1]:9200` or `name/127.0.0.1:9200`. */
  readonly http?: { readonly publish_address?: string }
}

/** A client for the bulk API shared by Elasticsearch and OpenSearch. */
export class BulkClient {
  #urls: readonly string[]
  readonly #headers: Readonly<Record<string, string>>
  readonly #options: BulkOptions
  readonly #resources: Resources
  readonly #transport: HttpTransport
  #next = 0
  /** When the nodes were last asked for, or the client connected; undefined before that. */
  #discoveredAt: number | undefined

  constructor(config: ServerConfig, options: BulkOptions, resources: Resources) {
    const { network, files } = resources.host
    this.#urls = config.urls.flatMap(url => url.split(',')).map(url => url.trim().replace(/\/+$/, ''))
    this.#headers = authorization(config, options)
    this.#options = options
    this.#resources = resources
    this.#transport = new HttpTransport({
      tls: config.tls.enabled ? tlsOptions(config.tls, path => files.readFileSync(path).toString('utf8')) : undefined,
      environment: network.proxyVariables,
      sockets: network,
    })
  }

  /** Rejects if no server responds successfully. */
  async check(signal: AbortSignal): Promise<void> {
    await this.#request('GET', '/', {}, null, signal)
    if (this.#discoveredAt !== undefined) return
    this.#discoveredAt = this.#resources.clock.monotonic()
    if (this.#options.discovery?.onStart === true) await this.#discover(signal)
  }

  /**
   * Sends changes in one request. Returns the error of each rejected one, by index, null for the others; rejects if the
   * request as a whole failed.
   */
  async send(items: readonly BulkItem[], signal: AbortSignal): Promise<readonly (Error | null)[]> {
    if (items.length === 0) return []
    await this.#discoverIfDue(signal)
    const { gzip = false, query = '' } = this.#options
    const plain = bulkBody(items)
    const headers = {
      'Content-Type': 'application/x-ndjson',
      ...(gzip ? { 'Content-Encoding': 'gzip' } : {}),
    }
    const text = await this.#request('POST', `/_bulk${query}`, headers, gzip ? gzipSync(plain) : plain, signal)
    const { items: answers = [] } = parseAnswer(text)
    // A change without a result does not count as written.
    return items.map((_, index) => outcomeOf(answers[index]))
  }

  close(): Promise<void> {
    return this.#transport.close()
  }

  async #discoverIfDue(signal: AbortSignal): Promise<void> {
    const { intervalMs } = this.#options.discovery ?? { intervalMs: 0 }
    const now = this.#resources.clock.monotonic()
    if (intervalMs === 0 || this.#discoveredAt === undefined || now - this.#discoveredAt < intervalMs) return
    this.#discoveredAt = now // so that requests in flight together discover once
    await this.#discover(signal)
  }

  /** Replaces the URLs by those of the cluster's nodes that hold data; they stay if that fails. */
  async #discover(signal: AbortSignal): Promise<void> {
    const outcome = await this.#attempt('GET', '/_nodes/http', {}, null, signal)
    const found =
      typeof outcome === 'string' ? nodeUrls(outcome, URL.parse(this.#urls[0]!)?.protocol ?? 'http:') : outcome
    if (found instanceof Error)
      this.#resources.log.warn(`Failed to discover the nodes of the cluster: ${found.message}`)
    else if (found.length > 0) this.#urls = found
  }

  async #request(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array | null,
    signal: AbortSignal,
  ): Promise<string> {
    const { retries, retryOn, maxElapsedMs = 0 } = this.#options
    const { clock } = this.#resources
    const backoff = this.#options.backoff?.()
    const startedAt = clock.monotonic()
    for (let retry = 0; ; retry++) {
      const outcome = await this.#attempt(method, path, headers, body, signal)
      if (typeof outcome === 'string') return outcome
      const pauseMs = backoff?.next() ?? 0
      const isLast = retry === retries || (maxElapsedMs > 0 && clock.monotonic() - startedAt + pauseMs > maxElapsedMs)
      const isFinal = outcome instanceof StatusError && !retryOn.includes(outcome.statusCode)
      if (isFinal || isLast || signal.aborted) throw outcome
      await this.#resources.wait(pauseMs)
    }
  }

  /** The body of the next server's successful response, or the error. */
  async #attempt(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array | null,
    signal: AbortSignal,
  ): Promise<string | Error> {
    try {
      const url = this.#urls[this.#next++ % this.#urls.length]!
      const { timeoutMs, sign } = this.#options
      const signed = await sign?.({ method, url: new URL(`${url}${path}`), body })
      const own = { ...this.#headers, ...headers, ...signed }
      const options = { method, headers: own, body, timeoutMs, signal, maxBytes: maxAnswerBytes }
      const response = await this.#transport.exchange(`${url}${path}`, options)
      const text = response.body.toString('utf8')
      return response.statusCode < 300 ? text : new StatusError(response.statusCode, text)
    } catch (error) {
      return asError(error)
    }
  }
}

/** A few hundred bytes for each document of a request, which may have 100 MB. */
const maxAnswerBytes = 128 * 2 ** 20

/** The URLs of the nodes in an answer of `/_nodes/http`, without those that only manage the cluster. */
function nodeUrls(text: string, protocol: string): readonly string[] | Error {
  try {
    const { nodes = {} } = JSON.parse(text) as NodesAnswer // as the API is documented; anything else has no nodes
    return Object.values(nodes).flatMap(({ roles = [], http = {} }) => {
      const address = http.publish_address
      const isManager = roles.length === 1 && roles[0] === 'master'
      if (address === undefined || isManager) return []
      const [name, named] = address.split('/')
      const host = named === undefined ? address : `${name}${named.slice(named.lastIndexOf(':'))}`
      return [`${protocol}//${host}`]
    })
  } catch (error) {
    return asError(error)
  }
}

/** The server rejected a request as a whole. */
class StatusError extends Error {
  readonly statusCode: number

  constructor(statusCode: number, body: string) {
    super(`the server answered with status ${statusCode}: ${body.slice(0, 500).replaceAll('\n', ' ')}`)
    this.name = 'StatusError'
    this.statusCode = statusCode
  }
}

function authorization(
  { basic_auth: basic }: ServerConfig,
  { apiKey = '' }: BulkOptions,
): Readonly<Record<string, string>> {
  if (apiKey !== '') return { Authorization: `APIKey ${apiKey}` }
  if (basic?.enabled !== true) return {}
  return { Authorization: `Basic ${Buffer.from(`${basic.username}:${basic.password}`).toString('base64')}` }
}

function bulkBody(items: readonly BulkItem[]): Buffer {
  const newline = Buffer.from('\n')
  const lines: Uint8Array[] = []
  for (const { action, index, id, routing, pipeline = '', body } of items) {
    const target = {
      _index: index,
      ...(id === '' ? {} : { _id: id }),
      ...(routing === '' ? {} : { routing }),
      ...(pipeline === '' ? {} : { pipeline }),
    }
    lines.push(Buffer.from(JSON.stringify({ [action]: target })), newline)
    if (body !== null) lines.push(body, newline)
  }
  return Buffer.concat(lines)
}

function parseAnswer(text: string): BulkAnswer {
  try {
    return JSON.parse(text) as BulkAnswer // every part is optional, and checked where it is read
  } catch (cause) {
    throw new Error(`the server's answer is no JSON: ${text.slice(0, 200)}`, { cause })
  }
}

function outcomeOf(answer: Readonly<Record<string, ItemAnswer>> | undefined): Error | null {
  const [item] = Object.values(answer ?? {})
  if (item === undefined) return new Error('the server did not say what became of the document')
  const { status = 0, error } = item
  if (error === undefined && status >= 200 && status <= 201) return null
  return new Error(`${error?.type ?? `status ${status}`}: ${error?.reason ?? 'unknown error'}`)
}

/**
 * Puts a message's bytes on one line, since the bulk API separates documents by line breaks, which JSON only has
 * between tokens.
 */
export function onOneLine(bytes: Uint8Array): Uint8Array {
  if (!bytes.includes(0x0a) && !bytes.includes(0x0d)) return bytes
  return bytes.map(byte => (byte === 0x0a || byte === 0x0d ? 0x20 : byte))
}

/**
 * Writes messages with one request and returns the errors of the failed ones. `itemOf` creates the change for a
 * message.
 */
export async function writeBulk(
  client: BulkClient,
  messages: readonly Message[],
  itemOf: (message: Message, index: number) => BulkItem,
  signal: AbortSignal,
): Promise<ReadonlyMap<Message, Error>> {
  const failures = new Map<Message, Error>()
  const ready: { readonly message: Message; readonly item: BulkItem }[] = []
  for (const [index, message] of messages.entries()) {
    try {
      ready.push({ message, item: itemOf(message, index) })
    } catch (error) {
      failures.set(message, asError(error))
    }
  }
  const outcomes = await client.send(
    ready.map(({ item }) => item),
    signal,
  )
  outcomes.forEach((error, index) => error !== null && failures.set(ready[index]!.message, error))
  return failures
}
