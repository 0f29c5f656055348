import { closeSync, constants, fdatasyncSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { parentPort } from 'node:worker_threads'
import { DIRECT_BYTES, DISK_BLOCK_BYTES, isDirectMemory } from './direct-memory.ts'
import type { FileToWrite, WrittenFile } from './file-threads.ts'
import { WRITE_BYTES } from './write-bytes.ts'

// Writes one file at a time. Only FileThreads starts this file; whatever goes wrong, the store tries again in its own way.
const port = parentPort!

const DIRECT_WRITE_BYTES = 4 * 1024 * 1024
/** Some file systems have no direct writes, and some systems no such flag. */
let hasDirectWrites = constants.O_DIRECT !== undefined

port.on('message', (file: FileToWrite) => {
  const outcome: WrittenFile = { id: file.id, isThere: write(file) }
  port.postMessage(outcome)
})
const ready: WrittenFile = { id: -1, isThere: true }
port.postMessage(ready)

function write({ temporary, path, body, fsync }: FileToWrite): boolean {
  try {
    const file = openSync(temporary, 'wx')
    try {
      let position = writeDirectly(temporary, body[0])
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

/** Writes whole blocks of a large piece that lies in direct memory. Returns how many bytes it has written. */
function writeDirectly(path: string, piece: Uint8Array | undefined): number {
  if (!hasDirectWrites || piece === undefined || piece.byteLength < DIRECT_BYTES) return 0
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
    if (!(error instanceof Error && 'code' in error && error.code === 'EINVAL')) throw error
    hasDirectWrites = false
  }
  return at
}

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
