import { Buffer } from 'node:buffer'
import { type BodyWriter, ConfigError, type Message } from '../../engine/index.ts'

/**
 * How messages are written to a byte stream: the suffix of each, and whether they are appended to one another at all.
 */
export interface WriterCodec {
  readonly suffix: string
  /** If false, each message is a file of its own. */
  readonly append: boolean
}

/** Parses the name of a codec: `all-bytes`, `append`, `lines`, `delim:x`. Throws `ConfigError`. */
export function writerCodec(name: string): WriterCodec {
  switch (name) {
    case 'all-bytes':
      return { suffix: '', append: false }
    case 'append':
      return { suffix: '', append: true }
    case 'lines':
      return { suffix: '\n', append: true }
    default: {
      if (!name.startsWith('delim:')) throw new ConfigError(`codec was not recognised: ${name}`)
      const suffix = name.slice('delim:'.length)
      if (suffix === '') throw new ConfigError('custom delimiter codec requires a non-empty delimiter')
      return { suffix, append: true }
    }
  }
}

/** Ranges of at least this size are written in place instead of being copied into the buffer. */
const DIRECT_BYTES = 8192

/**
 * Collects bodies, each followed by the suffix, as pieces for one write. Adjacent messages cut from one chunk with the
 * same suffix between them are merged back into one range of that chunk, so that unchanged lines are never copied one
 * by one.
 */
export class BodyBuffer implements BodyWriter {
  readonly #suffix: Buffer
  #pieces: Uint8Array[] = []
  #buffer = Buffer.allocUnsafeSlow(64 * 1024)
  #start = 0
  #end = 0
  #chunk: Uint8Array | null = null
  #chunkStart = 0
  #chunkEnd = 0

  constructor(suffix: string) {
    this.#suffix = Buffer.from(suffix, 'utf8')
  }

  add(message: Message): void {
    message.writeTo(this)
  }

  bytes(chunk: Uint8Array, start: number, end: number): void {
    if (chunk !== this.#chunk || start !== this.#chunkEnd) {
      this.#flushChunk()
      this.#chunk = chunk
      this.#chunkStart = start
    }
    this.#chunkEnd = end
    const suffix = this.#suffix
    if (suffix.length === 0 || endsWith(chunk, start, end, suffix)) return
    if (follows(chunk, end, suffix)) this.#chunkEnd += suffix.length
    else {
      this.#flushChunk()
      this.#copy(suffix, 0, suffix.length)
    }
  }

  copy(buffer: Uint8Array, length: number): void {
    this.#flushChunk()
    this.#copy(buffer, 0, length)
    const suffix = this.#suffix
    if (suffix.length > 0 && !endsWith(buffer, 0, length, suffix)) this.#copy(suffix, 0, suffix.length)
  }

  /** Returns the pieces collected since the last call, in order. They belong to the caller. */
  take(): readonly Uint8Array[] {
    this.#flushChunk()
    this.#flushBuffer()
    const pieces = this.#pieces
    this.#pieces = []
    return pieces
  }

  #flushChunk(): void {
    const chunk = this.#chunk
    if (chunk === null) return
    this.#chunk = null
    if (this.#chunkEnd - this.#chunkStart >= DIRECT_BYTES) {
      this.#flushBuffer()
      this.#pieces.push(chunk.subarray(this.#chunkStart, this.#chunkEnd))
    } else {
      this.#copy(chunk, this.#chunkStart, this.#chunkEnd)
    }
  }

  #copy(chunk: Uint8Array, start: number, end: number): void {
    this.#reserve(end - start)
    this.#buffer.set(start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end), this.#end)
    this.#end += end - start
  }

  #flushBuffer(): void {
    if (this.#end === this.#start) return
    this.#pieces.push(this.#buffer.subarray(this.#start, this.#end))
    this.#start = this.#end
  }

  #reserve(sizeBytes: number): void {
    if (this.#buffer.length - this.#end >= sizeBytes) return
    this.#flushBuffer()
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(256 * 1024, sizeBytes))
    this.#start = 0
    this.#end = 0
  }
}

function endsWith(chunk: Uint8Array, start: number, end: number, suffix: Uint8Array): boolean {
  return end - start >= suffix.length && follows(chunk, end - suffix.length, suffix)
}

function follows(chunk: Uint8Array, position: number, suffix: Uint8Array): boolean {
  if (position + suffix.length > chunk.length) return false
  for (let i = 0; i < suffix.length; i++) if (chunk[position + i] !== suffix[i]) return false
  return true
}
