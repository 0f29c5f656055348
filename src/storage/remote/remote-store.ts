import { systemRandom, uuid } from '../../base/index.ts'
import { StorageError } from '../errors.ts'
import {
  checkKey,
  checkRange,
  type ListOptions,
  type ObjectStore,
  type PutOptions,
  type Range,
  type StoredObject,
  totalBytes,
} from '../object-store.ts'
import type { Answer, Dialect, Exchange, Multipart } from './dialect.ts'
import { Hedge, withRetries } from './retries.ts'
import { type SendLimits, Transport, type TransportOptions } from './transport.ts'

/** Measurements of one call to a store. */
export interface StoreSample {
  readonly operation: 'put' | 'get' | 'delete' | 'list'
  /** `ok`, or the code of the error; `aborted` if the caller gave up. */
  readonly outcome: string
  readonly durationMs: number
  /** Bytes of the body that was put or read. */
  readonly sizeBytes: number
  /** Number of requests sent, including retries and hedges. */
  readonly requests: number
}

export interface RemoteStoreOptions extends Partial<TransportOptions> {
  /** Called after every call, for metrics. */
  readonly onSample?: (sample: StoreSample) => void
  /** Maximum number of attempts per request; defaults to 6. */
  readonly attempts?: number
  /**
   * Time limit for one attempt in milliseconds, in addition to the time for transferring its bytes; defaults to 10,000.
   */
  readonly timeoutMs?: number
  /** Time in milliseconds after which a slow read may be hedged with a second one; defaults to 200. */
  readonly hedgeAfterMs?: number
}

/** The slowest transfer that is tolerated, in bytes per millisecond (1 MiB/s). */
const SLOWEST_BYTES_PER_MS = 1024
const MAX_ANSWER_BYTES = 16 * 1024 * 1024
/** The largest object that is read whole, in bytes. */
const MAX_OBJECT_BYTES = 1024 * 1024 * 1024
const DELETES_AT_A_TIME = 16
const PARTS_AT_A_TIME = 4

/** A bucket behind HTTP, in a vendor's dialect. Implements retries, hedged reads, time limits and samples. */
export class RemoteStore implements ObjectStore {
  readonly url: string
  readonly #dialect: Dialect
  readonly #transport: Transport
  readonly #hedge: Hedge
  readonly #timeoutMs: number
  readonly #retries
  readonly #onSample: ((sample: StoreSample) => void) | undefined

  constructor(dialect: Dialect, options: RemoteStoreOptions = {}) {
    this.url = dialect.url
    this.#dialect = dialect
    const { connections = 64, ca } = options
    this.#transport = new Transport(dialect.origin, { connections, ...(ca === undefined ? {} : { ca }) })
    this.#hedge = new Hedge(options.hedgeAfterMs ?? 200)
    this.#timeoutMs = options.timeoutMs ?? 10_000
    this.#retries = { attempts: options.attempts ?? 6, firstPauseMs: 50, maxPauseMs: 2_000 }
    this.#onSample = options.onSample
  }

  put(key: string, body: readonly Uint8Array[], options: PutOptions = {}, signal?: AbortSignal): Promise<void> {
    return this.#sampled('put', async count => {
      checkKey(key)
      const sizeBytes = totalBytes(body)
      const whole = body.length === 1 ? body[0]! : Buffer.concat(body, sizeBytes)
      const { multipart } = this.#dialect
      const ifAbsent = options.ifAbsent === true
      if (multipart !== undefined && sizeBytes > multipart.thresholdBytes) {
        await this.#putInParts(multipart, key, whole, ifAbsent, count, signal)
      } else {
        await this.#putWhole(key, whole, ifAbsent, count, signal)
      }
      return { sizeBytes, value: undefined }
    })
  }

  get(key: string, range?: Range, signal?: AbortSignal): Promise<Buffer> {
    return this.#sampled('get', async count => {
      checkKey(key)
      if (range !== undefined && (range.length <= 0 || range.position < 0)) {
        checkRange(key, range, await this.#size(key, count, signal))
        return { sizeBytes: 0, value: Buffer.alloc(0) }
      }
      const value = await this.#read(key, range, count, signal)
      return { sizeBytes: value.byteLength, value }
    })
  }

  delete(keys: readonly string[], signal?: AbortSignal): Promise<void> {
    return this.#sampled('delete', async count => {
      for (const key of keys) checkKey(key)
      await inParallel(keys, DELETES_AT_A_TIME, async key => {
        try {
          await this.#request(() => this.#dialect.delete(key), key, 0, count, signal)
        } catch (error) {
          if (!(error instanceof StorageError) || error.code !== 'not_found') throw error
        }
      })
      return { sizeBytes: 0, value: undefined }
    })
  }

  list(options: ListOptions = {}, signal?: AbortSignal): Promise<StoredObject[]> {
    const { prefix = '', after = '', limit = 1000 } = options
    return this.#sampled('list', async count => {
      const found: StoredObject[] = []
      let token: string | undefined
      do {
        const request = { prefix, after, limit: Math.min(1000, Math.max(1, limit - found.length)), token }
        const answer = await this.#request(() => this.#dialect.list(request), `list ${prefix}`, 0, count, signal)
        const page = this.#dialect.pageOf(answer)
        for (const object of page.objects) if (object.key > after && found.length < limit) found.push(object)
        token = page.next
      } while (token !== undefined && found.length < limit)
      return { sizeBytes: 0, value: found }
    })
  }

  close(): Promise<void> {
    return this.#transport.close()
  }

  async #putWhole(
    key: string,
    body: Uint8Array,
    ifAbsent: boolean,
    count: () => void,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const putId = uuid(systemRandom)
    const make = () => this.#dialect.put(key, body, { ifAbsent, putId })
    await this.#conditionally(key, putId, ifAbsent, count, signal, tried =>
      this.#request(make, key, body.byteLength, tried, signal),
    )
  }

  async #putInParts(
    multipart: Multipart,
    key: string,
    body: Uint8Array,
    ifAbsent: boolean,
    count: () => void,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const putId = uuid(systemRandom)
    const created = await this.#request(() => multipart.create(key, putId), key, 0, count, signal)
    const uploadId = multipart.uploadIdOf(created)
    try {
      const starts = Array.from({ length: Math.ceil(body.byteLength / multipart.partBytes) }, (_, part) => part)
      const tags: string[] = []
      await inParallel(starts, PARTS_AT_A_TIME, async part => {
        const piece = body.subarray(part * multipart.partBytes, (part + 1) * multipart.partBytes)
        const make = () => multipart.part(key, uploadId, part + 1, piece)
        tags[part] = multipart.partTagOf(await this.#request(make, key, piece.byteLength, count, signal))
      })
      await this.#conditionally(key, putId, ifAbsent, count, signal, tried =>
        this.#request(() => multipart.complete(key, uploadId, tags, ifAbsent), key, 0, tried, signal),
      )
    } catch (error) {
      // Parts that are never completed cost money until they are aborted; the first error is the one to report.
      await this.#request(() => multipart.abort(key, uploadId), key, 0, count, undefined).catch(() => undefined)
      throw error
    }
  }

  /**
   * A conditional put whose response was lost may have succeeded; its retry then finds its own object. The id stored
   * with the object distinguishes that from another writer's object.
   */
  async #conditionally(
    key: string,
    putId: string,
    ifAbsent: boolean,
    count: () => void,
    signal: AbortSignal | undefined,
    put: (count: () => void) => Promise<unknown>,
  ): Promise<void> {
    let requests = 0
    try {
      await put(() => {
        requests++
        count()
      })
    } catch (error) {
      const mayBeOurs =
        ifAbsent &&
        requests > 1 &&
        error instanceof StorageError &&
        ['already_exists', 'not_found'].includes(error.code)
      if (!mayBeOurs) throw error
      const answer = await this.#request(() => this.#dialect.head(key), key, 0, count, signal)
      if (this.#dialect.putIdOf(answer) !== putId) throw error
    }
  }

  async #read(key: string, range: Range | undefined, count: () => void, signal: AbortSignal | undefined) {
    const maxBytes = range?.length ?? MAX_OBJECT_BYTES
    const answer = await this.#request(() => this.#dialect.get(key, range), key, maxBytes, count, signal, this.#hedge)
    if (range !== undefined && range.orLess !== true && answer.body.byteLength !== range.length) {
      throw new StorageError(
        'out_of_range',
        `${key} ends before byte ${range.position + range.length}: ${answer.body.byteLength} bytes were read`,
      )
    }
    return answer.body
  }

  async #size(key: string, count: () => void, signal: AbortSignal | undefined): Promise<number> {
    return this.#dialect.sizeOf(await this.#request(() => this.#dialect.head(key), key, 0, count, signal))
  }

  /** Sends what `make` builds, with retries. `transferBytes` is the number of bytes to transfer, for the time limit. */
  #request(
    make: () => Promise<Exchange>,
    subject: string,
    transferBytes: number,
    count: () => void,
    signal: AbortSignal | undefined,
    hedge?: Hedge,
  ): Promise<Answer> {
    const send = (exchange: Exchange, limits: SendLimits, abort: AbortSignal | undefined) => {
      count()
      return this.#transport.send(exchange, limits, abort)
    }
    return withRetries(this.#retries, signal, async number => {
      const exchange = await make()
      const limits = {
        timeoutMs: this.#timeoutMs + Math.ceil(Math.min(transferBytes, MAX_OBJECT_BYTES / 8) / SLOWEST_BYTES_PER_MS),
        maxBytes: exchange.method === 'GET' ? Math.max(transferBytes, MAX_ANSWER_BYTES) : MAX_ANSWER_BYTES,
      }
      const answer = await (hedge === undefined
        ? send(exchange, limits, signal)
        : hedge.run(signal, abort => send(exchange, limits, abort)))
      if (answer.status >= 200 && answer.status < 300) return answer
      // Expired credentials look like wrong ones: they are reloaded once.
      if ((answer.status === 401 || answer.status === 403) && number === 1) {
        this.#dialect.refreshCredentials()
        if (answer.status === 401) throw new StorageError('unavailable', `${subject}: the credentials were refused`)
      }
      throw this.#dialect.errorOf(answer, subject)
    })
  }

  async #sampled<T>(
    operation: StoreSample['operation'],
    work: (count: () => void) => Promise<{ sizeBytes: number; value: T }>,
  ): Promise<T> {
    const startedAt = performance.now()
    let requests = 0
    let outcome = 'ok'
    let size = 0
    try {
      const { sizeBytes, value } = await work(() => requests++)
      size = sizeBytes
      return value
    } catch (error) {
      outcome = error instanceof StorageError ? error.code : 'aborted'
      throw error
    } finally {
      const durationMs = performance.now() - startedAt
      this.#onSample?.({ operation, outcome, durationMs, sizeBytes: size, requests })
    }
  }
}

/**
 * Runs `work` for every item, at most `limit` concurrently; rejects with the first
 * error, once those in progress have ended.
 */
async function inParallel<T>(items: readonly T[], limit: number, work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values()
  const lane = async () => {
    for (const item of queue) await work(item)
  }
  const lanes = await Promise.allSettled(Array.from({ length: Math.min(limit, items.length) }, lane))
  for (const result of lanes) if (result.status === 'rejected') throw result.reason
}
