import { StorageError } from './errors.ts'

export interface Range {
  /** The first byte. */
  readonly position: number
  /** How many bytes. */
  readonly length: number
  /** Whether less is read where the object ends before; by default that is `out_of_range`. */
  readonly orLess?: boolean
}

export interface PutOptions {
  /** Fail with `already_exists` instead of replacing an object of the same key. */
  readonly ifAbsent?: boolean
  /** May take of the room that a store keeps for work that frees more of it; a store without such room ignores it. */
  readonly fromReserve?: boolean
}

export interface ListOptions {
  /** Only keys that begin with this. */
  readonly prefix?: string
  /** Only keys that sort after this one. */
  readonly after?: string
  /** At most so many; 1000 by default. */
  readonly limit?: number
}

export interface StoredObject {
  readonly key: string
  readonly sizeBytes: number
}

interface StoreCapacity {
  readonly totalBytes: number
  /** What is left for new objects. */
  readonly usableBytes: number
}

/**
 * A bucket: whole objects under keys. An object appears at once or not at all, and it stays there, also after a loss
 * of power, once `put` has resolved (as far as the store can promise it). What was put is read by everyone after that.
 * All failures are StorageErrors, but for the signal's reason. Keys are made of segments of `A-Z a-z 0-9 . _ - = ~`
 * joined by `/`, and no key is the folder of another.
 */
export interface ObjectStore {
  /** The URL with which it was opened, without secrets. */
  readonly url: string
  /** Puts an object whose body is the given pieces one after another. The pieces must not change before it resolves. */
  put(key: string, body: readonly Uint8Array[], options?: PutOptions, signal?: AbortSignal): Promise<void>
  /**
   * Reads an object or exactly the range of it; the buffer belongs to the caller. A store that can choose where the bytes
   * are put (`readsInto`) puts those of a range into `into`, which has the range's length, and returns it.
   */
  get(key: string, range?: Range, signal?: AbortSignal, into?: Buffer): Promise<Buffer>
  readonly readsInto?: boolean
  /** Each reads for itself as fast as from another one, and pays for nothing: a folder. */
  readonly readsAreFree?: boolean
  /** Deletes objects; deleting what does not exist succeeds. */
  delete(keys: readonly string[], signal?: AbortSignal): Promise<void>
  /** The objects in the order of their keys (by UTF-16 code units). */
  list(options?: ListOptions, signal?: AbortSignal): Promise<StoredObject[]>
  /** How much fits into the store; absent, or null, where a store cannot tell. */
  capacity?(): Promise<StoreCapacity | null>
  /** Releases what is held open. */
  close(): Promise<void>
}

const VALID_KEY = /^(?!\.{1,2}(?:\/|$))[\w.=~-]+(?:\/(?!\.{1,2}(?:\/|$))[\w.=~-]+)*$/
const MAX_KEY_LENGTH = 900

/** Throws `invalid_key` unless the key is one that every store can hold. */
export function checkKey(key: string): void {
  if (key.length > MAX_KEY_LENGTH || !VALID_KEY.test(key)) {
    throw new StorageError('invalid_key', `${JSON.stringify(key)} is not a valid object key`)
  }
}

/** How many bytes a range has in an object of this size. Throws `out_of_range` unless it lies in the object. */
export function rangeLength(key: string, range: Range, sizeBytes: number): number {
  const length = range.orLess === true ? Math.min(range.length, sizeBytes - range.position) : range.length
  checkRange(key, { ...range, length }, sizeBytes)
  return length
}

/** Throws `out_of_range` unless the range lies in an object of this size. */
export function checkRange(key: string, range: Range, sizeBytes: number): void {
  if (range.position < 0 || range.length < 0 || range.position + range.length > sizeBytes) {
    throw new StorageError(
      'out_of_range',
      `bytes ${range.position} to ${range.position + range.length} are not in ${key}, which has ${sizeBytes}`,
    )
  }
}

/** How many bytes pieces have together. */
export function totalBytes(pieces: readonly Uint8Array[]): number {
  let total = 0
  for (const piece of pieces) total += piece.byteLength
  return total
}
