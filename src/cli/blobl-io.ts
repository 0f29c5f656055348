import { codeOf } from '../base/index.ts'
import { readSync, writeSync } from 'node:fs'
import process from 'node:process'
import { JsonWriter, utf8Bytes } from '../bloblang/index.ts'

/** The text of a chunk fits in the young generation of the heap, where it costs next to nothing. */
export const CHUNK_BYTES = 64 * 1024

/** Reads lines of standard input, as many at a time as one read returns. */
export class LineReader {
  readonly #maxLineBytes: number
  #buffer = Buffer.allocUnsafe(2 * CHUNK_BYTES)
  #given = 0
  #filled = 0
  #ended = false

  constructor(maxLineBytes: number) {
    this.#maxLineBytes = maxLineBytes
  }

  /**
   * Whole lines with their line breaks, valid until the next call; empty at the end of the input. Only the last line,
   * and the beginning of a line that is too long, lack a line break. Throws `InputError`.
   */
  next(): Buffer {
    if (this.#maxLineBytes <= 0) throw tooLong()
    this.#buffer.copyWithin(0, this.#given, this.#filled)
    this.#filled -= this.#given
    this.#given = 0
    while (!this.#ended) {
      this.#reserve()
      const fresh = this.#buffer.subarray(this.#filled, this.#filled + CHUNK_BYTES)
      const length = readInput(fresh)
      const end = fresh.subarray(0, length).lastIndexOf(10)
      if (end >= 0) this.#given = this.#filled + end + 1
      this.#filled += length
      this.#ended = length === 0
      if (end >= 0) return this.#buffer.subarray(0, this.#given)
      if (this.#filled >= this.#maxLineBytes) break
    }
    this.#given = this.#filled
    return this.#buffer.subarray(0, this.#given)
  }

  /** The beginning of an incomplete line; shorter than a chunk. */
  get rest(): Uint8Array {
    return this.#buffer.subarray(this.#given, this.#filled)
  }

  /** Continues where another reader stopped. */
  resume(rest: Uint8Array): void {
    this.#buffer.set(rest)
    this.#given = 0
    this.#filled = rest.length
  }

  #reserve(): void {
    if (this.#buffer.length - this.#filled >= CHUNK_BYTES) return
    const larger = Buffer.allocUnsafe(2 * this.#buffer.length)
    larger.set(this.#buffer.subarray(0, this.#filled))
    this.#buffer = larger
  }
}

/** Standard input cannot be read, or not as lines. */
export class InputError extends Error {}

export function tooLong(): InputError {
  return new InputError('bufio.Scanner: token too long')
}

function unreadable(cause: NodeJS.ErrnoException): InputError {
  return new InputError(`read /dev/stdin: ${cause.code === 'EISDIR' ? 'is a directory' : cause.message}`, { cause })
}

/** Buffers lines for standard output and standard error and writes them in order. */
export class LineWriter {
  /** The lines for standard output after the latest error; each is written here and ended by {@link endLine}. */
  readonly out = new JsonWriter(true)
  readonly #limitBytes: number
  readonly #ready: () => void
  #parts: { readonly descriptor: 1 | 2; readonly bytes: Uint8Array }[] = []
  #partBytes = 0

  /** Buffers at most `limitBytes` and one line. `ready` returns once this writer may write. */
  constructor(limitBytes: number, ready: () => void) {
    this.#limitBytes = limitBytes
    this.#ready = ready
  }

  endLine(): void {
    this.out.byte(10)
    if (this.#partBytes + this.out.length > this.#limitBytes) this.flush()
  }

  /** Adds a line for standard error. */
  error(line: string): void {
    if (this.out.length > 0) this.#add(1, this.out.toBytes())
    this.out.clear()
    this.#add(2, utf8Bytes(`${line}\n`))
    if (this.#partBytes > this.#limitBytes) this.flush()
  }

  flush(): void {
    if (this.#parts.length === 0 && this.out.length === 0) return
    this.#ready()
    for (const { descriptor, bytes } of this.#parts) writeAll(descriptor, bytes)
    writeAll(1, this.out.bytes.subarray(0, this.out.length))
    this.#parts = []
    this.#partBytes = 0
    this.out.clear()
  }

  #add(descriptor: 1 | 2, bytes: Uint8Array): void {
    this.#parts.push({ descriptor, bytes })
    this.#partBytes += bytes.length
  }
}

/** Reads what is available on standard input; 0 at the end. A terminal without input is polled. */
function readInput(buffer: Uint8Array): number {
  for (;;) {
    try {
      return readSync(0, buffer, 0, buffer.length, null)
    } catch (error) {
      const code = codeOf(error)
      if (code === 'EOF') return 0
      if (code !== 'EAGAIN') throw unreadable(error as NodeJS.ErrnoException) // thrown by a call of the file system
      pause(5)
    }
  }
}

function writeAll(descriptor: 1 | 2, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(descriptor, bytes, done)
    } catch (error) {
      const code = codeOf(error)
      // The reader is gone: a command in a pipe then ends quietly, as if by SIGPIPE.
      if (code === 'EPIPE') process.exit(141)
      if (code !== 'EAGAIN') throw error
      pause(1)
    }
  }
}

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}
