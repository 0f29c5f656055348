import { messageOf } from '../../base/index.ts'
import { Buffer } from 'node:buffer'
import type { Readable } from 'node:stream'
import { type Interpolation, textOfMetadata, type Value } from '../../bloblang/index.ts'
import {
  ConfigError,
  evaluated,
  type HttpResponse,
  HttpTransport,
  Message,
  metadataFilter,
  pause,
  type Resources,
  type Timer,
  tlsOptions,
  wholeBody,
} from '../../engine/index.ts'
import { type ClientConfig, refuseUnsupported } from './client-fields.ts'
import { digestAuthorization, type DigestChallenge, digestChallenge } from './digest-auth.ts'
import { joinMultipart, splitMultipart } from './multipart.ts'
import { RequestSigner } from './request-auth.ts'

/** A response whose status does not indicate success. */
export class UnexpectedStatusError extends Error {
  readonly statusCode: number

  constructor(url: string, statusCode: number, reason: string, body: string) {
    const status = `${statusCode} ${reason}`
    super(
      `${url}: HTTP request returned unexpected response code (${statusCode}): ${status}, Error: ${body.replaceAll('\n', '')}`,
    )
    this.name = 'UnexpectedStatusError'
    this.statusCode = statusCode
  }
}

type Verdict = 'success' | 'drop' | 'retry' | 'backoff'

/** A part of a multipart request. */
interface PartConfig {
  readonly content_type: Interpolation
  readonly content_disposition: Interpolation
  readonly body: Interpolation
}

/** A body and its default content type. */
interface Body {
  readonly bytes: Uint8Array
  readonly contentType: string | null
}

/** Sends messages as requests, with retries, a rate limit and persistent connections. */
export class HttpClient {
  readonly #config: ClientConfig
  readonly #payload: Interpolation | undefined
  readonly #parts: readonly PartConfig[]
  readonly #resources: Resources
  readonly #transport: HttpTransport
  readonly #isHeader: (key: string) => boolean
  readonly #isExtracted: (key: string) => boolean
  readonly #signer: RequestSigner
  #challenge: DigestChallenge | null = null
  /** How often the nonce of the challenge was used. */
  #challengeCount = 0
  /** Whether the server has rejected credentials in a header but accepted them in the body. */
  #takesTokenRequestsInBody = false
  readonly #latency: Timer
  #token: { readonly value: string; readonly untilMs: number } | null = null

  constructor(
    config: ClientConfig,
    payload: Interpolation | undefined,
    resources: Resources,
    parts: readonly PartConfig[] = [],
  ) {
    refuseUnsupported(config)
    const { rate_limit: limit = '' } = config
    if (limit !== '' && !resources.hasResource('rate_limit', limit)) {
      throw new ConfigError(`rate limit resource '${limit}' was not found`)
    }
    this.#signer = new RequestSigner(config, resources)
    this.#parts = parts
    this.#config = config
    this.#payload = payload
    this.#resources = resources
    const { tls, transport } = config
    const { network, files } = resources.host
    this.#transport = new HttpTransport({
      tls: tls.enabled ? tlsOptions(tls, path => files.readFileSync(path).toString('utf8')) : undefined,
      proxyUrl: config.proxy_url,
      environment: network.proxyVariables,
      sockets: network,
      connectTimeoutMs: transport.dial_context?.timeout,
      idleTimeoutMs: transport.idle_connection_timeout,
    })
    this.#isHeader = metadataFilter(config.metadata ?? { include_prefixes: [], include_patterns: [] })
    this.#isExtracted = metadataFilter(config.extract_headers)
    this.#latency = resources.metrics.timer('http_request_latency_ns')
  }

  /** Sends a batch as one request; the response messages have the metadata `http_status_code`. */
  async send(messages: readonly Message[], signal: AbortSignal = this.#resources.signal): Promise<readonly Message[]> {
    return await this.#answer(await this.#open(messages, signal))
  }

  /**
   * Sends a request with no body other than the configured payload; URL and headers are interpolated from `messages`.
   */
  async ask(messages: readonly Message[], signal: AbortSignal): Promise<readonly Message[]> {
    return await this.#answer(await this.openFor(messages, signal))
  }

  /** Like {@link ask}, but returns the response before its body has been read. */
  openFor(messages: readonly Message[], signal: AbortSignal): Promise<HttpResponse> {
    return this.#open(messages, signal, false)
  }

  async #open(messages: readonly Message[], signal: AbortSignal, hasBody = true): Promise<HttpResponse> {
    const { retries, retry_period: retryMs = 1000, max_retry_backoff: maxMs = 300_000 } = this.#config
    const url = this.#evaluate('url', this.#config.url, messages)
    let waitMs = retryMs
    for (let attempt = 0; ; attempt++) {
      await this.#waitForAccess(signal)
      let failure: Error
      let verdict: Verdict = 'retry'
      try {
        const answer = await this.#measured(this.#attempt(url, messages, hasBody, signal))
        verdict = this.#judge(answer.statusCode)
        if (verdict === 'success') return answer
        const body = await this.#bytesOf(answer)
        failure = new UnexpectedStatusError(url, answer.statusCode, answer.statusText, body.toString('utf8'))
      } catch (error) {
        failure = new Error(`${url}: ${messageOf(error)}`, { cause: error })
      }
      if (verdict === 'drop' || attempt >= retries || signal.aborted) throw failure
      await pause(waitMs, signal)
      waitMs = verdict === 'backoff' ? Math.min(waitMs * 2, maxMs) : retryMs
    }
  }

  async close(): Promise<void> {
    await this.#transport.close()
  }

  /** Measures a request, and counts its status by its first digit. */
  async #measured(request: Promise<HttpResponse>): Promise<HttpResponse> {
    const { metrics, clock } = this.#resources
    const startedAt = clock.monotonic()
    try {
      const response = await request
      metrics.counter(`http_request_code_${Math.floor(response.statusCode / 100)}xx`).add(1)
      return response
    } finally {
      this.#latency.observe((clock.monotonic() - startedAt) * 1e6)
    }
  }

  async #attempt(
    url: string,
    messages: readonly Message[],
    hasBody: boolean,
    signal: AbortSignal,
  ): Promise<HttpResponse> {
    const { verb, timeout: timeoutMs = 5000 } = this.#config
    const body = hasBody || this.#payload !== undefined ? this.#body(messages) : null
    const headers = this.#headers(messages, body)
    Object.assign(headers, this.#traceHeaders(messages, headers))
    const token = await this.#named(verb, url, this.#bearer(signal))
    const signature = token === null ? this.#signer.authorization(verb, url) : `Bearer ${token}`
    if (signature !== undefined) headers['Authorization'] = signature
    const send = (more: Readonly<Record<string, string>>) => {
      const request = { method: verb, headers: { ...headers, ...more }, body: body?.bytes, timeoutMs, signal }
      return this.#named(verb, url, this.#transport.request(url, request))
    }
    return this.#config.digest_auth?.enabled === true ? await this.#sendWithDigest(url, send) : await send({})
  }

  /** Prefixes an error with the request that it belongs to. */
  async #named<T>(verb: string, url: string, asked: Promise<T>): Promise<T> {
    try {
      return await asked
    } catch (error) {
      throw new Error(`${verb.slice(0, 1)}${verb.slice(1).toLowerCase()} "${url}": ${messageOf(error)}`, {
        cause: error,
      })
    }
  }

  /** Trace context headers of the first message, unless the configuration already sets them. */
  #traceHeaders(
    [first]: readonly Message[],
    headers: Readonly<Record<string, string>>,
  ): Readonly<Record<string, string>> {
    const isSet = Object.keys(headers).some(name => name.toLowerCase() === 'traceparent')
    return isSet ? {} : (first?.context?.span?.carrier ?? {})
  }

  /** Responds to the server's digest challenge, right away if it is known from an earlier request. */
  async #sendWithDigest(
    url: string,
    send: (headers: Readonly<Record<string, string>>) => Promise<HttpResponse>,
  ): Promise<HttpResponse> {
    if (this.#challenge !== null) {
      const answer = await send(this.#meet(this.#challenge, url))
      if (answer.statusCode !== 401) return answer
      // The server's nonce has expired.
      this.#challenge = digestChallenge(answer.headers['www-authenticate']) ?? null
      if (this.#challenge === null) return answer
      discard(answer.body)
    } else {
      const answer = await send({})
      const challenge = answer.statusCode === 401 ? digestChallenge(answer.headers['www-authenticate']) : undefined
      if (challenge === undefined) return answer
      discard(answer.body)
      this.#challenge = challenge
    }
    this.#challengeCount = 0
    return await send(this.#meet(this.#challenge, url))
  }

  #meet(challenge: DigestChallenge, url: string): Readonly<Record<string, string>> {
    const { username = '', password = '' } = this.#config.digest_auth ?? {}
    const { pathname, search } = new URL(url)
    const clientNonce = Buffer.from(this.#resources.host.randomBytes(8)).toString('hex')
    const request = { username, password, method: this.#config.verb, uri: pathname + search, clientNonce }
    return { Authorization: digestAuthorization(challenge, { ...request, count: ++this.#challengeCount }) }
  }

  #body(messages: readonly Message[]): Body | null {
    if (this.#payload !== undefined) {
      const bytes = this.#payload.evalBytes(messages, 0)
      return { bytes, contentType: this.#hasContentType() ? null : 'application/octet-stream' }
    }
    if (this.#parts.length > 0) return this.#explicitParts(messages)
    const [first] = messages
    if (first === undefined) return null
    if (messages.length === 1) {
      return { bytes: first.bytes(), contentType: this.#hasContentType() ? null : 'application/octet-stream' }
    }
    const typeOfPart = Object.entries(this.#config.headers).find(([name]) => name === 'Content-Type')?.[1]
    const { boundary, body } = joinMultipart(
      messages.map((message, index) => ({
        headers: {
          'Content-Type': typeOfPart?.eval(messages, index) ?? 'application/octet-stream',
          ...this.#metadataHeaders(message),
        },
        body: message.bytes(),
      })),
    )
    return { bytes: body, contentType: `multipart/form-data; boundary=${boundary}` }
  }

  #explicitParts(messages: readonly Message[]): Body {
    const { boundary, body } = joinMultipart(
      this.#parts.map(part => ({
        headers: {
          'Content-Type': part.content_type.eval(messages, 0),
          'Content-Disposition': part.content_disposition.eval(messages, 0),
        },
        body: part.body.evalBytes(messages, 0),
      })),
    )
    return { bytes: body, contentType: `multipart/form-data; boundary=${boundary}` }
  }

  #hasContentType(): boolean {
    return Object.keys(this.#config.headers).some(name => name.toLowerCase() === 'content-type')
  }

  #headers(messages: readonly Message[], body: Body | null): Record<string, string> {
    const headers: Record<string, string> = {}
    for (const [name, value] of Object.entries(this.#config.headers)) {
      headers[name] = this.#evaluate(`header '${name}'`, value, messages)
    }
    const [first] = messages
    if (first !== undefined) Object.assign(headers, this.#metadataHeaders(first))
    if (body !== null) headers['Content-Length'] = String(body.bytes.length)
    if (body === null) {
      if (!this.#hasContentType()) headers['Content-Type'] = 'application/octet-stream'
    } else if (body.contentType !== null) {
      for (const name of Object.keys(headers)) if (name.toLowerCase() === 'content-type') delete headers[name]
      headers['Content-Type'] = body.contentType
    }
    return headers
  }

  #metadataHeaders(message: Message): Record<string, string> {
    const chosen = [...message.metadata].filter(([key]) => this.#isHeader(key))
    return Object.fromEntries(chosen.map(([key, value]) => [key, textOfMetadata(value)]))
  }

  #evaluate(what: string, text: Interpolation, messages: readonly Message[]): string {
    return evaluated(what, () => text.eval(messages.length === 0 ? [Message.fromText('')] : messages, 0))
  }

  #judge(status: number): Verdict {
    const { drop_on: drops, backoff_on: backs, successful_on: successes } = this.#config
    if (drops.includes(status)) return 'drop'
    if (backs.includes(status)) return 'backoff'
    return successes.includes(status) || isSuccess(status) ? 'success' : 'retry'
  }

  async #waitForAccess(signal: AbortSignal): Promise<void> {
    const { rate_limit: label } = this.#config
    if (label === undefined || label === '') return
    const limit = this.#resources.rateLimit(label)
    for (;;) {
      const waitMs = await limit.access()
      if (waitMs <= 0 || signal.aborted) return
      await pause(waitMs, signal)
    }
  }

  /** A token obtained by client credentials; it is renewed shortly before it expires. */
  async #bearer(signal: AbortSignal): Promise<string | null> {
    const { oauth2, timeout: timeoutMs = 5000 } = this.#config
    if (oauth2?.enabled !== true) return null
    const now = this.#resources.clock.monotonic()
    if (this.#token !== null && now < this.#token.untilMs) return this.#token.value
    const form = new URLSearchParams({ grant_type: 'client_credentials' })
    if (oauth2.scopes.length > 0) form.set('scope', oauth2.scopes.join(' '))
    for (const [name, values] of Object.entries(oauth2.endpoint_params)) {
      for (const value of Array.isArray(values) ? values : [values]) form.append(name, String(value))
    }
    const { client_key: key, client_secret: secret } = oauth2
    const user = `${encodeURIComponent(key)}:${encodeURIComponent(secret)}`
    const inHeader = { Authorization: `Basic ${Buffer.from(user).toString('base64')}` }
    const ask = async (parameters: URLSearchParams, more: Readonly<Record<string, string>> = {}) => {
      parameters.sort()
      const headers = { 'Content-Type': 'application/x-www-form-urlencoded', ...more }
      const request = { method: 'POST', headers, body: Buffer.from(parameters.toString()), timeoutMs, signal }
      const answer = await this.#transport.request(oauth2.token_url, request)
      return {
        status: answer.statusCode,
        reason: answer.statusText,
        text: (await wholeBody(answer.body, { timeoutMs })).toString('utf8'),
      }
    }
    // RFC 6749, section 2.3.1, leaves it to the server whether it also accepts the client's credentials in the body.
    const inBody = new URLSearchParams([...form, ['client_id', key], ['client_secret', secret]])
    let answer = this.#takesTokenRequestsInBody ? await ask(inBody) : await ask(form, inHeader)
    if (!isSuccess(answer.status) && !this.#takesTokenRequestsInBody) {
      answer = await ask(inBody)
      this.#takesTokenRequestsInBody = isSuccess(answer.status)
    }
    const { status, reason, text } = answer
    if (!isSuccess(status)) throw new Error(tokenFailure(`${status} ${reason}`, text))
    // The response of RFC 6749; its fields have defaults.
    const { access_token: value = '', expires_in: seconds = 3600 } = JSON.parse(text) as {
      access_token?: string
      expires_in?: number
    }
    if (value === '') throw new Error('oauth2: server response missing access_token')
    this.#token = { value, untilMs: now + Math.max(0, seconds - 10) * 1000 }
    return value
  }

  async #answer(answer: HttpResponse): Promise<readonly Message[]> {
    const metadata = this.#metadataOf(answer)
    const body = await this.#bytesOf(answer)
    const contentType = String(answer.headers['content-type'] ?? '')
    const boundary = /^multipart\/[^;]*;.*boundary="?([^";]+)"?/i.exec(contentType)?.[1]
    if (boundary === undefined && /^multipart\//i.test(contentType)) throw new Error('multipart: boundary is empty')
    const bodies = boundary === undefined ? [body] : splitMultipart(body, boundary)
    return bodies.map(part => Message.fromBytes(part, metadata))
  }

  /** The body of a response, of any size: as in the original, only its time is limited. */
  #bytesOf({ body }: HttpResponse): Promise<Buffer> {
    const { timeout: timeoutMs = 5000 } = this.#config
    return wholeBody(body, { maxBytes: Number.POSITIVE_INFINITY, timeoutMs })
  }

  /** The metadata given to every message of a response. */
  #metadataOf(answer: HttpResponse): ReadonlyMap<string, Value> {
    return new Map<string, Value>([['http_status_code', BigInt(answer.statusCode)], ...this.headersOf(answer)])
  }

  /** The response headers that become metadata. */
  headersOf(answer: HttpResponse): ReadonlyMap<string, Value> {
    const metadata = new Map<string, Value>()
    for (const [name, value] of Object.entries(answer.headers)) {
      const first = Array.isArray(value) ? value[0] : value
      if (first !== undefined && this.#isExtracted(name)) metadata.set(name, first)
    }
    return metadata
  }
}

const isSuccess = (status: number) => status >= 200 && status <= 299

/** Why there is no token: the error of RFC 6749, section 5.2, or whatever the server sent. */
function tokenFailure(status: string, text: string): string {
  try {
    const answer: unknown = JSON.parse(text)
    if (typeof answer === 'object' && answer !== null && 'error' in answer && typeof answer.error === 'string') {
      const description = 'error_description' in answer ? answer.error_description : undefined
      const { error } = answer
      return `oauth2: ${JSON.stringify(error)}${typeof description === 'string' ? ` ${JSON.stringify(description)}` : ''}`
    }
  } catch {
    // Not a response as of RFC 6749.
  }
  return `oauth2: cannot fetch token: ${status}\nResponse: ${text}`
}

/** Reads and discards a body, so that its connection can be reused. */
function discard(body: Readable): void {
  body.on('error', () => undefined).resume()
}
