import {
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { parentPort } from 'node:worker_threads'
import { DIRECT_BYTES, DISK_BLOCK_BYTES, isDirectMemory } from './direct-memory.ts'
import type { FileAnswer, FileTask, FileToWrite, RangeToRead } from './file-threads.ts'
import { WRITE_BYTES } from './write-bytes.ts'

// Does one task at a time. Only FileThreads starts this file; after any failure the store retries in its own way.
const port = parentPort!

const DIRECT_WRITE_BYTES = 4 * 1024 * 1024
/** False where direct I/O is not supported: some file systems lack it, and some platforms lack the flag. */
let hasDirect = constants.O_DIRECT !== undefined

/**
 * A finished task is garbage, but its shared memory stays allocated until this thread's collector runs, and tasks allocate
 * too little for that. So young garbage, which includes them, is collected after this many bytes, and all garbage after this
 * many milliseconds without a task: a full collection takes 4 ms, and as much in each of its helper threads.
 */
const COLLECT_BYTES = 64 * 1024 * 1024
const COLLECT_IDLE_MS = 1000
let uncollectedBytes = 0
const idle = setTimeout(() => collect('major'), COLLECT_IDLE_MS)
setFlagsFromString('--expose-gc')
// Node offers the collector to new contexts only.
const collectGarbage: (options: { readonly type: 'minor' | 'major' }) => void = runInNewContext('gc')

port.on('message', (task: FileTask) => {
  const bytes = task.kind === 'write' ? write(task) : read(task)
  const answer: FileAnswer = bytes ?? 'failed'
  port.postMessage(answer)
  uncollectedBytes += bytes ?? COLLECT_BYTES
  idle.refresh()
  // In the next turn, when nothing refers to the task any more.
  if (uncollectedBytes >= COLLECT_BYTES) setImmediate(collect, 'minor')
})

function collect(type: 'minor' | 'major'): void {
  uncollectedBytes = 0
  collectGarbage({ type })
}

const ready: FileAnswer = 'ready'
port.postMessage(ready)

/** Writes a file. Returns its size in bytes, or undefined if that failed. */
function write({ temporary, path, body, fsync }: FileToWrite): number | undefined {
  try {
    let position = 0
    const file = openSync(temporary, 'wx')
    try {
      // Data that need not be durable is better left to the page cache.
      if (fsync) position = writeDirectly(temporary, body[0])
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
    return position
  } catch {
    rmSync(temporary, { force: true })
    return undefined
  }
}

/** Writes the whole blocks of a large piece in direct memory. Returns the number of bytes written. */
function writeDirectly(path: string, piece: Uint8Array | undefined): number {
  if (!hasDirect || piece === undefined || piece.byteLength < DIRECT_BYTES) return 0
  if (!isDirectMemory(piece)) return 0
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

/** Reads a range, or the part of it that the file has. Returns the number of bytes, or undefined if that failed. */
function read({ path, position, into }: RangeToRead): number | undefined {
  const direct = isWorthDirect(position, into) ? constants.O_DIRECT : 0
  try {
    const file = openSync(path, constants.O_RDONLY | direct)
    try {
      return readUpToEnd(file, position, into)
    } finally {
      closeSync(file)
    }
  } catch (error) {
    hasDirect &&= !isRefusal(error)
    return undefined
  }
}

function readUpToEnd(file: number, position: number, into: Uint8Array): number | undefined {
  const length = Math.min(into.byteLength, fstatSync(file).size - position)
  let at = 0
  while (at < length) {
    // Direct I/O reads whole blocks, so this asks for the whole range even if the file has less.
    const bytesRead = readSync(file, into, at, into.byteLength - at, position + at)
    if (bytesRead === 0) return undefined
    at += bytesRead
  }
  return length < 0 ? undefined : at
}

/** Whether direct I/O can read the range and pays off. */
function isWorthDirect(position: number, into: Uint8Array): boolean {
  const { byteLength } = into
  const areBlocks = position % DISK_BLOCK_BYTES === 0 && byteLength % DISK_BLOCK_BYTES === 0
  return hasDirect && byteLength >= DIRECT_BYTES && areBlocks && isDirectMemory(into)
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
