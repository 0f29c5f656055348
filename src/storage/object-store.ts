import { StorageError } from './errors.ts'
import type { Purpose } from './reserve.ts'

export interface Range {
  /** Offset of the first byte. */
  readonly position: number
  /** Number of bytes. */
  readonly length: number
  /** Whether to read less if the object ends earlier; by default that throws `out_of_range`. */
  readonly orLess?: boolean
}

export interface PutOptions {
  /** Fail with `already_exists` instead of replacing an object with the same key. */
  readonly ifAbsent?: boolean
  /** How much of its reserve a store leaves free, if it has one; by default all of it. */
  readonly purpose?: Purpose | undefined
}

export interface ListOptions {
  /** Only keys that begin with this. */
  readonly prefix?: string
  /** Only keys that sort after this one. */
  readonly after?: string
  /** Maximum number of objects; defaults to 1000. */
  readonly limit?: number
}

export interface StoredObject {
  readonly key: string
  readonly sizeBytes: number
}

interface StoreCapacity {
  readonly totalBytes: number
  /** Bytes available for new objects. */
  readonly usableBytes: number
}

/**
 * A bucket: whole objects under keys. An object appears atomically, and it is durable once `put` has resolved,
 * even across a power failure (as far as the store can promise that). From then on every reader sees it. All
 * failures are StorageErrors, except the signal's reason. Keys are segments of `A-Z a-z 0-9 . _ - = ~` joined by
 * `/`, and no key is the folder of another.
 */
export interface ObjectStore {
  /** The URL with which the store was opened, without secrets. */
  readonly url: string
  /** Puts an object whose body is the concatenation of the pieces, which must not change before this resolves. */
  put(key: string, body: readonly Uint8Array[], options?: PutOptions, signal?: AbortSignal): Promise<void>
  /**
   * Reads an object, or exactly a range of it; the buffer belongs to the caller. A store with `readsInto` reads a range
   * into `into`, which has the range's length, and returns it, or its beginning if the object has less.
   */
  get(key: string, range?: Range, signal?: AbortSignal, into?: Buffer): Promise<Buffer>
  readonly readsInto?: boolean
  /** Ranges that begin and end at multiples of this are the fastest to read; absent if alignment does not matter. */
  readonly blockBytes?: number | undefined
  /** Reads are free, and no slower than through another process's cache; true of a folder. */
  readonly readsAreFree?: boolean
  /** Deletes objects; deleting what does not exist succeeds. */
  delete(keys: readonly string[], signal?: AbortSignal): Promise<void>
  /** Lists objects in key order (by UTF-16 code units). */
  list(options?: ListOptions, signal?: AbortSignal): Promise<StoredObject[]>
  /** Free space of the store; absent, or null, if a store cannot tell. */
  capacity?(): Promise<StoreCapacity | null>
  /** Releases open resources. */
  close(): Promise<void>
}

/** Where ranges of objects are read from. */
export type ObjectReads = Pick<ObjectStore, 'get' | 'readsInto' | 'blockBytes'>

const VALID_KEY = /^(?!\.{1,2}(?:\/|$))[\w.=~-]+(?:\/(?!\.{1,2}(?:\/|$))[\w.=~-]+)*$/
const MAX_KEY_LENGTH = 900

/** Throws `invalid_key` unless every store supports the key. */
export function checkKey(key: string): void {
  if (key.length > MAX_KEY_LENGTH || !VALID_KEY.test(key)) {
    throw new StorageError('invalid_key', `${JSON.stringify(key)} is not a valid object key`)
  }
}

/**
 * The length of a range in bytes within an object of this size. Throws `out_of_range` unless the object contains it.
 */
export function rangeLength(key: string, range: Range, sizeBytes: number): number {
  const length = range.orLess === true ? Math.min(range.length, sizeBytes - range.position) : range.length
  checkRange(key, { ...range, length }, sizeBytes)
  return length
}

/** Throws `out_of_range` unless an object of this size contains the range. */
export function checkRange(key: string, range: Range, sizeBytes: number): void {
  if (range.position < 0 || range.length < 0 || range.position + range.length > sizeBytes) {
    throw new StorageError(
      'out_of_range',
      `bytes ${range.position} to ${range.position + range.length} are not within ${key}, which has ${sizeBytes} bytes`,
    )
  }
}

/** Total size of the pieces in bytes. */
export function totalBytes(pieces: readonly Uint8Array[]): number {
  let total = 0
  for (const piece of pieces) total += piece.byteLength
  return total
}
