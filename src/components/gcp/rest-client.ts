import type { OAuth2ClientOptions } from 'google-auth-library'
import { fieldsOf, messageOf } from '../../base/index.ts'
import { Buffer } from 'node:buffer'
import {
  type HttpResponse,
  HttpTransport,
  isHttpConnectionError,
  pause,
  type Resources,
  wholeBody,
} from '../../engine/index.ts'
import type { CredentialsDocument, GcpSession } from './session.ts'

/** A request to a Google API. */
export interface Call {
  /** For error messages: `GetObject`. */
  readonly operation: string
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE'
  /** Relative to the endpoint, escaped. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  readonly signal?: AbortSignal | undefined
}

/** Data that is sent together with a document describing it. */
export interface Upload extends Pick<Call, 'operation' | 'path' | 'query' | 'signal'> {
  readonly document: object
  readonly contentType: string
  readonly data: Uint8Array
  /** Bytes per request; 0 for a single request. */
  readonly chunkBytes: number
}

/** A Google API rejected a request. */
export class GcpError extends Error {
  readonly status: number
  /** As named by the API: `notFound`. */
  readonly reason: string

  constructor(operation: string, status: number, reason: string, message: string) {
    super(`${operation}: ${message || `HTTP status ${status}`}`)
    this.name = 'GcpError'
    this.status = status
    this.reason = reason
  }
}

/** Whether the same request may succeed later. */
export function isTransient(error: unknown): boolean {
  if (error instanceof GcpError) return error.status >= 500 || error.status === 429 || error.status === 408
  return isHttpConnectionError(error) || (error instanceof Error && isHttpConnectionError(error.cause))
}

const ATTEMPTS = 3
const FIRST_PAUSE_MS = 100
/** Time limit for the response headers. */
const ANSWER_TIMEOUT_MS = 60_000
/** All chunks of an upload except the last must be a multiple of this. */
const CHUNK_UNIT_BYTES = 256 * 1024
/** Status of an incomplete upload, whose headers say how many bytes arrived. */
const RESUME_INCOMPLETE = 308

interface Settings {
  /** A URL without a trailing slash. */
  readonly endpoint: string
  /** The OAuth scope of the tokens; absent if none are sent. */
  readonly scope: string | undefined
}

/** The parts of the host program that a client uses. */
type Surroundings = Pick<Resources, 'host'>

/**
 * A client for Google's JSON APIs. Requests that may succeed when retried are tried three times. Requests go through
 * the host's network rather than the vendor's client, for the reasons given in docs/adr/0016.
 */
export class GcpRest {
  readonly #settings: Settings
  readonly #resources: Surroundings
  readonly #transport: HttpTransport
  readonly #tokens: AccessTokens | undefined

  constructor(settings: Settings, session: GcpSession, resources: Surroundings) {
    const { network } = resources.host
    this.#settings = settings
    this.#resources = resources
    this.#tokens = settings.scope === undefined ? undefined : new AccessTokens(session, settings.scope, resources)
    this.#transport = new HttpTransport({ environment: network.proxyVariables, sockets: network })
  }

  /** Rejects if there are no credentials. */
  async prepare(): Promise<void> {
    await this.#tokens?.authorization()
  }

  /** Returns the response document. Throws a {@link GcpError} for an unsuccessful response. */
  async request(call: Call): Promise<Readonly<Record<string, unknown>>> {
    return documentOf(call.operation, await this.#repeated(call, ({ body }) => answerOf(body)))
  }

  /** Like {@link request}, for a response of any length, whose body must be read to the end or destroyed. */
  open(call: Call): Promise<HttpResponse> {
    return this.#repeated(call, response => Promise.resolve(response))
  }

  /** Sends data with its document: in a single request if it fits into one chunk, otherwise chunk by chunk. */
  async upload(upload: Upload): Promise<Readonly<Record<string, unknown>>> {
    const { chunkBytes, data } = upload
    if (chunkBytes > 0 && data.length > chunkBytes) return this.#uploadChunks(upload)
    const { operation, path, query, document, contentType, signal } = upload
    const boundary = `penstock-${Buffer.from(this.#resources.host.randomBytes(12)).toString('hex')}`
    const head = `--${boundary}\r\nContent-Type: application/json\r\n\r\n${JSON.stringify(document)}\r\n`
    const body = Buffer.concat([
      Buffer.from(`${head}--${boundary}\r\nContent-Type: ${contentType}\r\n\r\n`),
      data,
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ])
    const headers = { 'content-type': `multipart/related; boundary=${boundary}` }
    const call = { operation, method: 'POST', path, headers, body, signal } as const
    return this.request({ ...call, query: { ...query, uploadType: 'multipart' } })
  }

  close(): Promise<void> {
    return this.#transport.close()
  }

  async #uploadChunks(upload: Upload): Promise<Readonly<Record<string, unknown>>> {
    const { operation, data, signal } = upload
    const chunkBytes = Math.ceil(upload.chunkBytes / CHUNK_UNIT_BYTES) * CHUNK_UNIT_BYTES
    const url = await this.#beginUpload(upload)
    let [position, failures] = [0, 0]
    for (;;) {
      const chunk = data.subarray(position, position + chunkBytes)
      const sent = position + chunk.length
      try {
        // After a failure it is unknown how much has arrived: an empty chunk asks for it.
        const range = failures > 0 ? `bytes */${data.length}` : `bytes ${position}-${sent - 1}/${data.length}`
        const response = await this.#transport.request(url, {
          method: 'PUT',
          headers: { 'content-range': range },
          body: failures > 0 ? new Uint8Array() : chunk,
          timeoutMs: ANSWER_TIMEOUT_MS,
          ...(signal !== undefined && { signal }),
        })
        const answer = await answerOf(response.body)
        if (response.statusCode < 300) return documentOf(operation, answer)
        if (response.statusCode !== RESUME_INCOMPLETE) throw errorOf(operation, response, answer)
        const arrived = /^bytes=0-(\d+)$/.exec(String(response.headers['range'] ?? ''))?.[1]
        const next = arrived === undefined ? 0 : Number(arrived) + 1
        if (failures === 0 && next <= position) throw new Error('nothing of a chunk was taken')
        position = next
        failures = 0
      } catch (error) {
        if (signal?.aborted === true || !isTransient(error) || ++failures === ATTEMPTS) throw named(operation, error)
        await this.#pauseBefore(failures, signal)
      }
    }
  }

  /**
   * Starts an upload and returns the URL for its chunks. That URL needs no token, since it is known only to the
   * uploader.
   */
  async #beginUpload({ operation, path, query, document, contentType, data, signal }: Upload): Promise<string> {
    const headers = {
      'content-type': 'application/json',
      'x-upload-content-type': contentType,
      'x-upload-content-length': String(data.length),
    }
    const body = Buffer.from(JSON.stringify(document))
    const call = { operation, method: 'POST', path, headers, body, signal } as const
    const response = await this.open({ ...call, query: { ...query, uploadType: 'resumable' } })
    await answerOf(response.body)
    const { location } = response.headers
    if (typeof location !== 'string') throw new Error(`${operation}: the answer names no place for the upload`)
    return new URL(location, this.#settings.endpoint).href
  }

  /** Retries a call; resolves to the result of `take` for a successful response. */
  async #repeated<T>(call: Call, take: (response: HttpResponse) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      let failure: Error
      try {
        const response = await this.#send(call)
        if (response.statusCode < 300) return await take(response)
        const error = errorOf(call.operation, response, await answerOf(response.body))
        if (error.status === 401) this.#tokens?.forget()
        const isWorthRepeating = isTransient(error) || (error.status === 401 && attempt === 1)
        if (!isWorthRepeating) throw error
        failure = error
      } catch (error) {
        if (error instanceof GcpError || !isHttpConnectionError(error) || call.signal?.aborted === true) throw error
        failure = named(call.operation, error)
      }
      if (attempt === ATTEMPTS) throw failure
      await this.#pauseBefore(attempt, call.signal)
    }
  }

  #pauseBefore(attempt: number, signal: AbortSignal | undefined): Promise<void> {
    return pause(FIRST_PAUSE_MS * 2 ** (attempt - 1) * (0.5 + this.#resources.host.random() / 2), signal)
  }

  async #send({ method, path, query = {}, headers = {}, body, signal }: Call): Promise<HttpResponse> {
    const authorization = await this.#tokens?.authorization()
    const search = new URLSearchParams(query).toString()
    return this.#transport.request(`${this.#settings.endpoint}${path}${search && `?${search}`}`, {
      method,
      headers: { ...headers, ...(authorization !== undefined && { authorization }) },
      // A missing body where one is usual must be declared by an empty one.
      body: body ?? (method === 'POST' ? new Uint8Array() : null),
      timeoutMs: ANSWER_TIMEOUT_MS,
      ...(signal !== undefined && { signal }),
    })
  }
}

type FetchImplementation = NonNullable<NonNullable<OAuth2ClientOptions['transporterOptions']>['fetchImplementation']>

type TokenSource = () => Promise<string | null | undefined>

/** Access tokens from Google's own library, which renews them in time. Its requests go through the host's network. */
class AccessTokens {
  readonly #session: GcpSession
  readonly #scope: string
  readonly #resources: Surroundings
  #source: Promise<TokenSource> | undefined

  constructor(session: GcpSession, scope: string, resources: Surroundings) {
    this.#session = session
    this.#scope = scope
    this.#resources = resources
  }

  /** The value of the `authorization` header. */
  async authorization(): Promise<string> {
    this.#source ??= this.#load()
    try {
      return `Bearer ${(await (await this.#source)()) ?? ''}`
    } catch (error) {
      this.forget()
      throw new Error(`failed to get a token from Google: ${messageOf(origin(error))}`, { cause: error })
    }
  }

  /** Discards a token that was rejected. */
  forget(): void {
    this.#source = undefined
  }

  async #load(): Promise<TokenSource> {
    const document = await this.#session.credentials()
    const { GoogleAuth, JWT, UserRefreshClient } = (await import('google-auth-library')).default
    const { network } = this.#resources.host
    // The host's fetch is undici's, whose types differ from the library's only in name.
    const transporterOptions = { fetchImplementation: network.fetch as unknown as FetchImplementation }
    const scopes = [this.#scope]
    const text = (name: string) => textOr(document?.[name])
    switch (document?.type) {
      case 'service_account': {
        const [email, key, keyId] = [text('client_email'), text('private_key'), text('private_key_id')]
        const client = new JWT({ email, key, ...(keyId !== '' && { keyId }), scopes, transporterOptions })
        return async () => (await client.getAccessToken()).token
      }
      case 'authorized_user': {
        const [clientId, clientSecret, refreshToken] = [text('client_id'), text('client_secret'), text('refresh_token')]
        const client = new UserRefreshClient({ clientId, clientSecret, refreshToken, transporterOptions })
        return async () => (await client.getAccessToken()).token
      }
      default: {
        // Other documents, and the credentials of the machine, are left to the library, which checks the type.
        const credentials = document as (CredentialsDocument & { type: 'service_account' }) | undefined
        const auth = new GoogleAuth({
          scopes,
          ...(credentials !== undefined && { credentials }),
          clientOptions: { transporterOptions },
        })
        return () => auth.getAccessToken()
      }
    }
  }
}

/** The root cause of an error: `fetch` itself only reports that it failed. */
function origin(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error ? origin(error.cause) : error
}

function named(operation: string, error: unknown): Error {
  return error instanceof GcpError ? error : new Error(`${operation}: ${messageOf(error)}`, { cause: error })
}

function errorOf(operation: string, { statusCode }: HttpResponse, body: Buffer): GcpError {
  const text = body.toString()
  try {
    const { message, errors } = fieldsOf(fieldsOf(JSON.parse(text))['error'])
    const { reason } = fieldsOf(Array.isArray(errors) ? errors[0] : undefined)
    if (typeof message === 'string') return new GcpError(operation, statusCode, textOr(reason), message)
  } catch {
    // Intermediaries respond with HTML pages.
  }
  return new GcpError(operation, statusCode, '', text.slice(0, 200).trim())
}

const textOr = (value: unknown): string => (typeof value === 'string' ? value : '')

function documentOf(operation: string, body: Buffer): Readonly<Record<string, unknown>> {
  if (body.length === 0) return {}
  try {
    return fieldsOf(JSON.parse(body.toString()))
  } catch (cause) {
    throw new Error(`${operation}: the response is not JSON`, { cause })
  }
}

/** A response other than the content of an object: at most a page of a listing. */
const answerOf = (body: HttpResponse['body']) => wholeBody(body, { maxBytes: 64 * 2 ** 20 })

/** Reads a whole body. */
export async function bytesOf(body: HttpResponse['body']): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of body) chunks.push(chunk)
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
}
