import { text } from 'node:stream/consumers'
import { type Clock, messageOf } from '../../base/index.ts'
import { isObject, parseJson, type Value, type ValueObject } from '../../bloblang/index.ts'
import { HttpTransport, isHttpConnectionError, type Resources } from '../../engine/index.ts'
import { StatementError, unreachableError } from './connection.ts'

/** Attempts at a request whose connection breaks, as in Go's `database/sql`. */
const MAX_ATTEMPTS = 3
/** Attempts at a request that a server refuses because it is busy, with pauses of 100 ms, 200 ms and so on. */
const MAX_BUSY_ATTEMPTS = 8
const BUSY_PAUSE_MS = 100
const BUSY: ReadonlySet<number> = new Set([429, 502, 503, 504])

interface JsonRequest {
  readonly method: 'POST' | 'GET' | 'DELETE'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  /** Instead of the client's limit. */
  readonly timeoutMs?: number
}

interface JsonClientOptions {
  /** The limit for one response in milliseconds, after which the request is sent again. */
  readonly timeoutMs: number
  /** The certificates to trust. */
  readonly tls?: { readonly rejectUnauthorized: boolean; readonly ca?: string }
}

export interface JsonAnswer {
  readonly status: number
  readonly statusText: string
  readonly value: ValueObject
}

/** Requests to a database that is reached by HTTP and answers in JSON. */
export class JsonClient {
  readonly #transport: HttpTransport
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #closing = new AbortController()

  constructor({ host: { network }, clock }: Resources, { timeoutMs, ...options }: JsonClientOptions) {
    this.#transport = new HttpTransport({ environment: network.proxyVariables, sockets: network, ...options })
    this.#clock = clock
    this.#timeoutMs = timeoutMs
  }

  /** Aborts when the client is closed. */
  get signal(): AbortSignal {
    return this.#closing.signal
  }

  /**
   * Sends a request, again if its connection breaks or the server is busy. Rejects with `StatementError` for a response
   * that is not JSON, and with another error if the server cannot be reached.
   */
  async send(request: JsonRequest): Promise<JsonAnswer> {
    for (let attempt = 1, busy = 1; ; ) {
      try {
        const answer = await this.#attempt(request)
        if (answer !== 'busy') return answer
        if (busy === MAX_BUSY_ATTEMPTS) throw new Error('the server is busy')
        await this.#clock.sleep(BUSY_PAUSE_MS * 2 ** (busy++ - 1), this.signal)
      } catch (error) {
        if (!isHttpConnectionError(error)) throw error
        const isUnreachable = messageOf(error).startsWith('dial tcp')
        if (!isUnreachable && attempt++ < MAX_ATTEMPTS && !this.signal.aborted) continue
        // Not a `NotConnectedError`: there is no connection that could be made first, and messages are rejected.
        throw unreachableError(error, new URL(request.url).host)
      }
    }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#transport.close()
  }

  async #attempt({
    method,
    url,
    headers,
    body,
    timeoutMs = this.#timeoutMs,
  }: JsonRequest): Promise<JsonAnswer | 'busy'> {
    const {
      statusCode,
      statusText,
      body: stream,
    } = await this.#transport.request(url, {
      method,
      headers,
      body: body === undefined ? null : Buffer.from(body),
      timeoutMs,
      signal: this.signal,
    })
    const answer = await text(stream)
    if (BUSY.has(statusCode)) return 'busy'
    if (answer === '') return { status: statusCode, statusText, value: {} }
    return { status: statusCode, statusText, value: objectOf(answer, `${statusCode} ${statusText}`) }
  }
}

function objectOf(answer: string, status: string): ValueObject {
  let value: Value = null
  try {
    value = parseJson(answer)
  } catch (error) {
    throw new StatementError(`unexpected response (${status}): ${answer.trim().slice(0, 500)}`, '', { cause: error })
  }
  if (isObject(value)) return value
  throw new StatementError(`unexpected response (${status}): ${answer.trim().slice(0, 500)}`, '')
}

/** A field of an object that is a text; empty if it is not. */
export function textOf(object: Value | undefined, name: string): string {
  const value = fieldOf(object, name)
  return typeof value === 'string' ? value : ''
}

/** A field of an object; undefined if there is none. */
export function fieldOf(object: Value | undefined, name: string): Value | undefined {
  return object !== undefined && isObject(object) ? object[name] : undefined
}
