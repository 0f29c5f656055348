import type { Pool } from 'undici'
import { StorageError } from '../errors.ts'
import type { Answer, Exchange } from './dialect.ts'

export interface TransportOptions {
  /** Maximum number of concurrent connections to the store. */
  readonly connections: number
  /** PEM certificates to trust in addition to the system's. */
  readonly ca?: string
}

export interface SendLimits {
  readonly timeoutMs: number
  readonly maxBytes: number
}

/** The connection pool of one store. */
export class Transport {
  readonly #origin: string
  readonly #options: TransportOptions
  #pool: Promise<Pool> | undefined

  constructor(origin: string, options: TransportOptions) {
    this.#origin = origin
    this.#options = options
  }

  /**
   * Sends a request and reads the response, at most `maxBytes` of it. Rejects with `unavailable` if no complete
   * response arrived within `timeoutMs`, and with the signal's reason once it aborts.
   */
  async send(exchange: Exchange, limits: SendLimits, signal: AbortSignal | undefined): Promise<Answer> {
    const pool = await (this.#pool ??= this.#open())
    const timeout = AbortSignal.timeout(limits.timeoutMs)
    try {
      const { statusCode, headers, body } = await pool.request({
        method: exchange.method,
        path: exchange.path,
        headers: exchange.headers,
        body: exchange.body ?? null,
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
        headersTimeout: 0,
        bodyTimeout: 0,
      })
      return { status: statusCode, headers, body: await readBody(body, headers, limits.maxBytes) }
    } catch (cause) {
      if (cause instanceof StorageError) throw cause
      if (signal?.aborted === true) throw signal.reason
      const reason = timeout.aborted ? `no answer within ${limits.timeoutMs} ms` : reasonOf(cause)
      throw new StorageError('unavailable', `${this.#origin}: ${reason}`, { cause })
    }
  }

  async close(): Promise<void> {
    const pool = await this.#pool
    this.#pool = undefined
    await pool?.destroy()
  }

  async #open(): Promise<Pool> {
    // Loading the client is paid for only when a remote bucket is opened. The bundle can only hold a CommonJS
    // package whole, hence the default import.
    const { Pool } = (await import('undici')).default
    const { connections, ca } = this.#options
    return new Pool(this.#origin, {
      connections,
      keepAliveTimeout: 30_000,
      connect: { timeout: 5_000, ...(ca === undefined ? {} : { ca }) },
    })
  }
}

async function readBody(
  body: AsyncIterable<Uint8Array>,
  headers: Answer['headers'],
  maxBytes: number,
): Promise<Buffer> {
  const declared = Number(headers['content-length'] ?? Number.NaN)
  if (declared > maxBytes) throw tooLong(maxBytes)
  const pieces: Uint8Array[] = []
  let sizeBytes = 0
  for await (const piece of body) {
    sizeBytes += piece.byteLength
    if (sizeBytes > maxBytes) throw tooLong(maxBytes)
    pieces.push(piece)
  }
  const whole = Buffer.allocUnsafeSlow(sizeBytes)
  let position = 0
  for (const piece of pieces) {
    whole.set(piece, position)
    position += piece.byteLength
  }
  return whole
}

function tooLong(maxBytes: number): StorageError {
  return new StorageError('failed', `the store answered with more than the expected ${maxBytes} bytes`)
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause)
  // When several addresses refused, Node throws an AggregateError without a message.
  if (cause instanceof AggregateError && cause.errors[0] instanceof Error) return cause.errors[0].message
  return cause.message
}
