import { closeSync, fdatasyncSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { parentPort } from 'node:worker_threads'
import type { SmallFile, WrittenFile } from './small-files.ts'

// Writes one file at a time. Only SmallFiles starts this file; whatever goes wrong, the store tries again in its own way.
const port = parentPort!

port.on('message', (file: SmallFile) => {
  const outcome: WrittenFile = { id: file.id, isThere: write(file) }
  port.postMessage(outcome)
})
const ready: WrittenFile = { id: -1, isThere: true }
port.postMessage(ready)

function write({ temporary, path, body, fsync }: SmallFile): boolean {
  try {
    const file = openSync(temporary, 'wx')
    try {
      for (let written = 0; written < body.byteLength; ) written += writeSync(file, body, written)
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

function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
