import type { FileHandle } from 'node:fs/promises'
import { fileErrorText } from '../../base/index.ts'
import type { ByteSource, Files, Metadata } from '../../engine/index.ts'

const CHUNK_BYTES = 256 * 1024

/** Replaces paths that contain glob patterns (`*`, `**`, `?`, `[a-z]`) with the files that match, sorted. */
export function expandGlobs(paths: readonly string[], files: Files): string[] {
  return paths.flatMap(path => files.glob(path))
}

/** Reads a byte stream piece by piece. A piece is not modified once it has been handed out. */
export class FileSource implements ByteSource {
  readonly name: string
  readonly metadata: Metadata
  readonly #handle: FileHandle
  #closed = false

  constructor(handle: FileHandle, name: string, metadata: Metadata) {
    this.#handle = handle
    this.name = name
    this.metadata = metadata
  }

  async read(): Promise<Uint8Array | null> {
    const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES)
    const { bytesRead } = await this.#handle.read(chunk, 0, CHUNK_BYTES, null)
    return bytesRead === 0 ? null : bytesRead === CHUNK_BYTES ? chunk : chunk.subarray(0, bytesRead)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#handle.close()
  }
}

/** Opens a file as a source whose messages carry its path and modification time. */
export async function openFile(path: string, files: Files): Promise<FileSource> {
  const handle = await files.open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    throw new Error(fileErrorText('open', path, error), { cause: error })
  })
  const { mtime } = await handle.stat()
  const unixSeconds = Math.floor(mtime.getTime() / 1000)
  const metadata = new Map<string, string | bigint>([
    ['path', path],
    ['mod_time_unix', BigInt(unixSeconds)],
    ['mod_time', mtime.toISOString().replace(/\.\d+Z$/, 'Z')],
  ])
  return new FileSource(handle, path, metadata)
}
