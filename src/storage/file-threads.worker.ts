import {
  closeSync,
  constants,
  fdatasyncSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { parentPort } from 'node:worker_threads'
import { DIRECT_BYTES, DISK_BLOCK_BYTES, isDirectMemory } from './direct-memory.ts'
import type { FileAnswer, FileTask, FileToWrite, RangeToRead } from './file-threads.ts'
import { WRITE_BYTES } from './write-bytes.ts'

// Does one task at a time. Only FileThreads starts this file; after any failure the store retries in its own way.
const port = parentPort!

const DIRECT_WRITE_BYTES = 4 * 1024 * 1024
/** False where direct I/O is not supported: some file systems lack it, and some platforms lack the flag. */
let hasDirect = constants.O_DIRECT !== undefined

port.on('message', (task: FileTask) => {
  const answer: FileAnswer = (task.kind === 'write' ? write(task) : read(task)) ? 'done' : 'failed'
  port.postMessage(answer)
})
const ready: FileAnswer = 'ready'
port.postMessage(ready)

function write({ temporary, path, body, fsync }: FileToWrite): boolean {
  try {
    const file = openSync(temporary, 'wx')
    try {
      // Data that need not be durable is better left to the page cache.
      let position = fsync ? writeDirectly(temporary, body[0]) : 0
      for (const [index, piece] of body.entries()) {
        for (let at = index === 0 ? position : 0; at < piece.byteLength; ) {
          const written = writeSync(file, piece, at, Math.min(WRITE_BYTES, piece.byteLength - at), position)
          at += written
          position += written
        }
      }
      if (fsync) fdatasyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(temporary, path)
    if (fsync) syncFolder(dirname(path))
    return true
  } catch {
    rmSync(temporary, { force: true })
    return false
  }
}

/** Writes the whole blocks of a large piece in direct memory. Returns the number of bytes written. */
function writeDirectly(path: string, piece: Uint8Array | undefined): number {
  if (!hasDirect || piece === undefined || piece.byteLength < DIRECT_BYTES) return 0
  if (!isDirectMemory(piece, 0)) return 0
  const end = piece.byteLength - (piece.byteLength % DISK_BLOCK_BYTES)
  let at = 0
  try {
    const file = openSync(path, constants.O_WRONLY | constants.O_DIRECT)
    try {
      while (at < end) at += writeSync(file, piece, at, Math.min(DIRECT_WRITE_BYTES, end - at), at)
    } finally {
      closeSync(file)
    }
  } catch (error) {
    if (!isRefusal(error)) throw error
    hasDirect = false
  }
  return at
}

/** Reads whole blocks with direct I/O, and the partial blocks before and after them through the page cache. */
function read({ path, position, into }: RangeToRead): boolean {
  if (!hasDirect) return false
  const start = -position & (DISK_BLOCK_BYTES - 1)
  const end = into.byteLength - ((position + into.byteLength) & (DISK_BLOCK_BYTES - 1))
  try {
    return (
      readExactly(path, constants.O_RDONLY | constants.O_DIRECT, position, into, [start, end]) &&
      readExactly(path, constants.O_RDONLY, position, into, [0, start], [end, into.byteLength])
    )
  } catch (error) {
    hasDirect &&= !isRefusal(error)
    return false
  }
}

/** Reads parts of a range into their positions. Returns false if the file is too short. */
function readExactly(
  path: string,
  flags: number,
  position: number,
  into: Uint8Array,
  ...parts: readonly (readonly [start: number, end: number])[]
): boolean {
  const wanted = parts.filter(([start, end]) => end > start)
  if (wanted.length === 0) return true
  const file = openSync(path, flags)
  try {
    return wanted.every(([start, end]) => readSync(file, into, start, end - start, position + start) === end - start)
  } finally {
    closeSync(file)
  }
}

/** Whether direct I/O is unsupported here, as opposed to this access having failed. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EINVAL'
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
