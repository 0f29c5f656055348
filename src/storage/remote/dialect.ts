import type { StorageError } from '../errors.ts'
import type { Range, StoredObject } from '../object-store.ts'

/** An HTTP request to a store, signed and ready to be sent. */
export interface Exchange {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  /** Path and query, encoded as sent over the wire. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array
}

/** The response to an {@link Exchange}; header names are in lower case. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

interface Page {
  readonly objects: readonly StoredObject[]
  /** Token of the next page; undefined on the last page. */
  readonly next: string | undefined
}

export interface PageRequest {
  readonly prefix: string
  /** Keys up to and including this one may be omitted; the caller filters again. */
  readonly after: string
  readonly limit: number
  /** `next` of the previous page. */
  readonly token: string | undefined
}

/**
 * One vendor's protocol for the operations of a store. Every method builds a request that may be sent once; a retry
 * builds a new one, so that signatures and tokens are fresh. Keys are the caller's; a dialect adds the bucket's prefix.
 */
export interface Dialect {
  /** The URL of the bucket, without secrets. */
  readonly url: string
  /** Scheme, host and port to which requests are sent. */
  readonly origin: string
  /** How to put larger bodies in parts; undefined if the vendor does not need that. */
  readonly multipart: Multipart | undefined
  /**
   * `putId` is stored with the object, so that a put whose response was lost
   * can be distinguished from another writer's.
   */
  put(key: string, body: Uint8Array, options: { ifAbsent: boolean; putId: string }): Promise<Exchange>
  get(key: string, range: Range | undefined): Promise<Exchange>
  head(key: string): Promise<Exchange>
  delete(key: string): Promise<Exchange>
  list(request: PageRequest): Promise<Exchange>
  pageOf(answer: Answer): Page
  /** The `putId` of an object, from the response to `head`. */
  putIdOf(answer: Answer): string | undefined
  sizeOf(answer: Answer): number
  /**
   * Converts a response whose status is not 2xx to an error. `subject` is the
   * key or whatever else the request was about.
   */
  errorOf(answer: Answer, subject: string): StorageError
  /** Discards credentials that the store refused, so that the next request gets new ones. */
  refreshCredentials(): void
}

/** Uploads a large object in parts. */
export interface Multipart {
  readonly thresholdBytes: number
  readonly partBytes: number
  create(key: string, putId: string): Promise<Exchange>
  uploadIdOf(answer: Answer): string
  part(key: string, uploadId: string, number: number, body: Uint8Array): Promise<Exchange>
  partTagOf(answer: Answer): string
  complete(key: string, uploadId: string, tags: readonly string[], ifAbsent: boolean): Promise<Exchange>
  abort(key: string, uploadId: string): Promise<Exchange>
}

export function header(answer: Answer, name: string): string | undefined {
  const value = answer.headers[name]
  return typeof value === 'string' ? value : value?.[0]
}
