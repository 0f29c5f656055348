import type { Dirent } from 'node:fs'
import { type FileHandle, link, open, readdir, rename, rm, rmdir, stat, statfs, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { makeFolder, systemRandom, uuid } from '../base/index.ts'
import { DISK_BLOCK_BYTES } from './direct-memory.ts'
import { StorageError } from './errors.ts'
import { FileThreads } from './file-threads.ts'
import {
  checkKey,
  rangeLength,
  type ListOptions,
  type ObjectStore,
  type StoredObject,
  totalBytes,
} from './object-store.ts'
import { bytesToLeave, type Purpose } from './reserve.ts'
import { WRITE_BYTES } from './write-bytes.ts'

export interface FileStoreOptions {
  /**
   * Whether a put waits until the data is on disk. Without it an object still appears whole or not at all, but a power
   * failure may undo the latest puts. Defaults to true.
   */
  readonly fsync?: boolean
  /**
   * How many bytes of the disk stay free, for data beside the bucket (the metadata, which a full disk would make
   * unusable) and for work that frees space. Defaults to an eighth of the disk, at most 64 MiB.
   */
  readonly reserveBytes?: number
}

/** Where unfinished objects are written; the dot distinguishes it from every key that list returns. */
const TEMPORARY = '.tmp'
/** Number of concurrent writes for one object. */
const WRITE_LANES = 4
/** How long a measurement of free disk space is trusted, in milliseconds. */
const CHECK_MS = 500
const DEFAULT_RESERVE = { share: 1 / 8, maxBytes: 64 * 1024 * 1024 }
/** Unfinished objects older than this, in milliseconds, were left by a process that died. */
const ABANDONED_MS = 60 * 60 * 1000

/**
 * A bucket in a folder, one file per object. An object is written to a temporary file, synced and moved into
 * place, and the folder is synced, so that no crash leaves half an object or loses a finished one. Processes
 * may share the folder. Large objects in direct memory are written and read with direct I/O, which bypasses the
 * page cache (docs/adr/0016-object-stores.md).
 */
export async function openFileStore(root: string, options: FileStoreOptions = {}): Promise<ObjectStore> {
  const fsync = options.fsync ?? true
  const temporaryFolder = join(root, TEMPORARY)
  try {
    await makeFolder(temporaryFolder)
    await removeAbandoned(temporaryFolder)
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') throw new StorageError('failed', `the system refuses the folder ${root}`, { cause })
    throw storageError(cause, `cannot use the folder ${root}`)
  }
  const room = new Room(root, options.reserveBytes)
  const threads = new FileThreads()
  // Distinguishes the unfinished objects of processes that share the folder.
  const owner = uuid(systemRandom)
  let puts = 0
  const pathOf = (key: string) => {
    checkKey(key)
    if (key.split('/')[0] === TEMPORARY) throw new StorageError('invalid_key', `${TEMPORARY}/ is reserved`)
    return join(root, key)
  }

  return {
    url: pathToFileURL(root).href,

    async put(key, body, { ifAbsent = false, purpose } = {}, signal) {
      const path = pathOf(key)
      const temporary = join(temporaryFolder, `${owner}-${puts++}`)
      try {
        signal?.throwIfAborted()
        await room.take(totalBytes(body), purpose)
        if (!ifAbsent && (await threads.write({ temporary, path, fsync }, body))) return
        await writeFile(temporary, body, fsync)
        signal?.throwIfAborted()
        await moveIntoPlace(temporary, path, ifAbsent, root, fsync)
        if (fsync) await syncFolder(dirname(path))
      } catch (cause) {
        await rm(temporary, { force: true })
        throw storageError(cause, `cannot put ${key}`)
      }
    },

    readsInto: true,
    blockBytes: DISK_BLOCK_BYTES,
    readsAreFree: true,

    async get(key, range, signal, into) {
      const path = pathOf(key)
      let file: FileHandle | undefined
      try {
        signal?.throwIfAborted()
        if (range && into) {
          const bytesRead = await threads.read(path, range.position, into)
          if (bytesRead === into.length) return into
          if (bytesRead !== undefined && range.orLess === true) return into.subarray(0, bytesRead)
        }
        file = await open(path, 'r')
        const { size } = await file.stat()
        const length = range ? rangeLength(key, range, size) : size
        const buffer = into ?? Buffer.allocUnsafeSlow(length)
        return await readFully(
          file,
          key,
          range?.position ?? 0,
          length < buffer.length ? buffer.subarray(0, length) : buffer,
        )
      } catch (cause) {
        throw storageError(cause, `cannot read ${key}`)
      } finally {
        await file?.close()
      }
    },

    async delete(keys, signal) {
      for (const key of keys) {
        const path = pathOf(key)
        signal?.throwIfAborted()
        try {
          await rm(path, { force: true })
        } catch (cause) {
          throw storageError(cause, `cannot delete ${key}`)
        }
      }
      for (const folder of new Set(keys.map(key => dirname(pathOf(key))))) await removeEmptyFolders(folder, root)
    },

    async capacity() {
      try {
        const { blocks, bavail, bsize } = await statfs(root)
        return { totalBytes: blocks * bsize, usableBytes: bavail * bsize }
      } catch (cause) {
        throw storageError(cause, `cannot read the size of the disk of ${root}`)
      }
    },

    async list(listOptions = {}, signal) {
      const found: StoredObject[] = []
      try {
        await walk(root, '', listOptions, found, signal)
      } catch (cause) {
        throw storageError(cause, `cannot list ${listOptions.prefix ?? ''}`)
      }
      return found
    },

    close: () => threads.close(),
  }
}

/** Keeps part of the disk free. Measures free space periodically, and always when the disk is about to become full. */
class Room {
  readonly #folder: string
  readonly #wantedReserveBytes: number | undefined
  #reserveBytes = 0
  #usableBytes = 0
  #checkedAt = Number.NEGATIVE_INFINITY

  constructor(folder: string, reserveBytes: number | undefined) {
    this.#folder = folder
    this.#wantedReserveBytes = reserveBytes
  }

  /** Throws `full` if writing this many bytes would leave less free than the purpose requires. */
  async take(bytes: number, purpose: Purpose | undefined): Promise<void> {
    const isShort = () => this.#usableBytes - bytes < bytesToLeave(this.#reserveBytes, this.#usableBytes, purpose)
    if (performance.now() - this.#checkedAt > CHECK_MS || isShort()) await this.#check()
    if (isShort()) throw new StorageError('full', `the disk of ${this.#folder} is full (the reserve is kept free)`)
    this.#usableBytes -= bytes
  }

  async #check(): Promise<void> {
    const { blocks, bavail, bsize } = await statfs(this.#folder)
    const { share, maxBytes } = DEFAULT_RESERVE
    this.#reserveBytes = this.#wantedReserveBytes ?? Math.min(maxBytes, blocks * bsize * share)
    this.#usableBytes = bavail * bsize
    this.#checkedAt = performance.now()
  }
}

async function writeFile(path: string, body: readonly Uint8Array[], fsync: boolean): Promise<void> {
  const file = await open(path, 'wx')
  try {
    await writeFully(file, body)
    if (fsync) await file.datasync()
  } finally {
    await file.close()
  }
}

async function writeFully(file: FileHandle, body: readonly Uint8Array[]): Promise<void> {
  const writes = inWrites(body)
  const lane = async () => {
    for (let write = writes.shift(); write !== undefined; write = writes.shift()) {
      await writeAt(file, write.pieces, write.position)
    }
  }
  // Wait for all lanes even if one failed: the file is closed and removed next.
  const outcomes = await Promise.allSettled(Array.from({ length: Math.min(WRITE_LANES, writes.length) }, lane))
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
}

/** Splits a body into writes of at most WRITE_BYTES. */
function inWrites(body: readonly Uint8Array[]): { readonly pieces: Uint8Array[]; readonly position: number }[] {
  const writes: { pieces: Uint8Array[]; position: number }[] = []
  let position = 0
  let roomBytes = 0
  for (const piece of body) {
    for (let start = 0; start < piece.byteLength; ) {
      if (roomBytes === 0) {
        writes.push({ pieces: [], position })
        roomBytes = WRITE_BYTES
      }
      const part = piece.subarray(start, start + roomBytes)
      writes.at(-1)!.pieces.push(part)
      start += part.byteLength
      position += part.byteLength
      roomBytes -= part.byteLength
    }
  }
  return writes
}

async function writeAt(file: FileHandle, all: readonly Uint8Array[], start: number): Promise<void> {
  let pieces = [...all]
  let position = start
  while (pieces.length > 0) {
    let { bytesWritten } = await file.writev(pieces, position)
    position += bytesWritten
    // A short write is legal, though rare: continue with the remaining bytes.
    let done = 0
    while (done < pieces.length && bytesWritten >= pieces[done]!.byteLength) bytesWritten -= pieces[done++]!.byteLength
    pieces = pieces.slice(done)
    if (bytesWritten > 0) pieces[0] = pieces[0]!.subarray(bytesWritten)
  }
}

async function readFully(file: FileHandle, key: string, position: number, buffer: Buffer): Promise<Buffer> {
  const { length } = buffer
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled)
    if (bytesRead === 0) throw new StorageError('failed', `${key} was truncated while it was being read`)
    filled += bytesRead
  }
  return buffer
}

async function moveIntoPlace(from: string, to: string, ifAbsent: boolean, root: string, fsync: boolean): Promise<void> {
  const move = async () => {
    if (!ifAbsent) return rename(from, to)
    // In one atomic step, a hard link fails when the name is taken; a rename would replace it.
    await link(from, to)
    await unlink(from)
  }
  // Another process may remove the emptied folder between creation and use, hence a few attempts.
  for (let round = 0; ; round++) {
    try {
      if (round > 0) await makeFolders(dirname(to), root, fsync)
      return await move()
    } catch (error) {
      if (round === 8 || codeOf(error) !== 'ENOENT') throw error
    }
  }
}

/** Creates a folder and its missing parents durably. */
async function makeFolders(folder: string, root: string, fsync: boolean): Promise<void> {
  const first = await makeFolder(folder)
  if (!first || !fsync) return
  for (let made = folder; made.length >= first.length && made.length > root.length; made = dirname(made)) {
    await syncFolder(dirname(made))
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function removeEmptyFolders(folder: string, root: string): Promise<void> {
  for (let path = folder; path.length > root.length; path = dirname(path)) {
    try {
      await rmdir(path)
    } catch (error) {
      const code = codeOf(error)
      if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOENT') return
      throw error
    }
  }
}

async function removeAbandoned(folder: string): Promise<void> {
  const oldestMs = Date.now() - ABANDONED_MS
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    const status = await stat(path).catch(ifMissing)
    if (status && status.mtimeMs < oldestMs) await rm(path, { force: true })
  }
}

/** Collects the objects under a folder in key order; returns true once there are enough. */
async function walk(
  root: string,
  folder: string,
  options: ListOptions,
  found: StoredObject[],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { prefix = '', after = '', limit = 1000 } = options
  signal?.throwIfAborted()
  const entries = (await readdir(join(root, folder), { withFileTypes: true }).catch(ifMissing)) ?? []
  const keyed = entries
    .filter(entry => folder !== '' || entry.name !== TEMPORARY)
    .map(entry => ({ entry, key: folder + entry.name + (entry.isDirectory() ? '/' : '') }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
  for (const { entry, key } of keyed) {
    if (found.length >= limit) return true
    if (!mayHold(entry, key, prefix, after)) continue
    if (entry.isDirectory()) {
      if (await walk(root, key, options, found, signal)) return true
      continue
    }
    const status = await stat(join(root, key)).catch(ifMissing)
    if (status) found.push({ key, sizeBytes: status.size })
  }
  return found.length >= limit
}

function mayHold(entry: Dirent, key: string, prefix: string, after: string): boolean {
  if (!entry.isDirectory()) return key.startsWith(prefix) && key > after
  const prefixFits = key.startsWith(prefix) || prefix.startsWith(key)
  return prefixFits && (key > after || after.startsWith(key))
}

function ifMissing(error: unknown): undefined {
  if (codeOf(error) === 'ENOENT') return undefined
  throw error
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

function storageError(cause: unknown, message: string): unknown {
  if (cause instanceof StorageError) return cause
  const code = codeOf(cause)
  switch (code) {
    case undefined:
      return cause
    case 'ENOENT':
      return new StorageError('not_found', `${message}: it does not exist`, { cause })
    case 'EEXIST':
      return new StorageError('already_exists', `${message}: it already exists`, { cause })
    case 'ENOSPC':
    case 'EDQUOT':
      return new StorageError('full', `${message}: the disk is full`, { cause })
    case 'EMFILE':
    case 'ENFILE':
    case 'EAGAIN':
    case 'EBUSY':
      return new StorageError('unavailable', `${message}: ${code}`, { cause })
    default:
      return new StorageError('failed', `${message}: ${code}`, { cause })
  }
}
