import { FramePool } from './frame-pool.ts'

/** Size of the length that precedes a frame. */
const lengthBytes = 4

/**
 * A frame up to this size is allocated in full; a larger one grows with what actually
 * arrives, unless a spare buffer is available.
 */
const trustedBytes = 4 * 1024 * 1024
/** A frame's buffer grows to at most this multiple of what has arrived. */
const growthFactor = 4
/** Frames missing at least this many bytes get a dedicated read. */
const directBytes = 64 * 1024

/** A frame length that no valid client sends; the connection is closed. */
export class FrameSizeError extends Error {
  override readonly name = 'FrameSizeError'
}

/**
 * Splits a byte stream into frames. What is pushed is copied into one buffer per frame, so that the socket can
 * reuse its read buffer and record slices retain no more than their frame. The missing part of a large frame
 * can instead be read directly into place.
 */
export class FrameSplitter {
  readonly #maxBytes: number
  readonly #onFrame: (frame: Buffer) => void
  readonly #pool: FramePool
  readonly #length = Buffer.alloc(lengthBytes)
  #lengthFilled = 0
  #frame: Buffer | undefined
  #frameBytes = 0
  #filled = 0

  /** `onFrame` owns the frame, and may return it to the pool. */
  constructor(maxBytes: number, onFrame: (frame: Buffer) => void, pool = new FramePool()) {
    this.#maxBytes = maxBytes
    this.#onFrame = onFrame
    this.#pool = pool
  }

  /** Memory for the next bytes of the stream, to be pushed from there; undefined if any other buffer is better. */
  nextTarget(): Buffer | undefined {
    if (this.#frame === undefined || this.#frameBytes - this.#filled < directBytes) return undefined
    this.#reserve(Math.min(this.#frameBytes, this.#filled + directBytes))
    return this.#frame.subarray(this.#filled, this.#frameBytes)
  }

  /** Accepts the next bytes of the stream. Throws a FrameSizeError for an impossible length. */
  push(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#frame === undefined) {
        at += this.#takeLength(chunk, at)
        continue
      }
      const count = Math.min(this.#frameBytes - this.#filled, chunk.length - at)
      this.#reserve(this.#filled + count)
      // Bytes that were read into the target are already in place.
      const isThere =
        chunk.buffer === this.#frame.buffer && chunk.byteOffset + at === this.#frame.byteOffset + this.#filled
      if (!isThere) chunk.copy(this.#frame, this.#filled, at, at + count)
      this.#filled += count
      at += count
      if (this.#filled === this.#frameBytes) {
        const frame = this.#frame
        this.#frame = undefined
        this.#onFrame(frame)
      }
    }
  }

  #takeLength(chunk: Buffer, at: number): number {
    const count = Math.min(lengthBytes - this.#lengthFilled, chunk.length - at)
    chunk.copy(this.#length, this.#lengthFilled, at, at + count)
    this.#lengthFilled += count
    if (this.#lengthFilled < lengthBytes) return count
    const size = this.#length.readInt32BE()
    if (size <= 0 || size > this.#maxBytes) throw new FrameSizeError(`frame of ${size} bytes`)
    this.#lengthFilled = 0
    this.#frameBytes = size
    this.#filled = 0
    this.#frame = this.#pool.take(this.#pool.hasSpare(size) ? size : Math.min(size, trustedBytes))
    return count
  }

  #reserve(size: number): void {
    const frame = this.#frame!
    if (size <= frame.length) return
    this.#frame = this.#pool.take(Math.min(this.#frameBytes, Math.max(size, frame.length * growthFactor)))
    frame.copy(this.#frame, 0, 0, this.#filled)
    this.#pool.giveBack(frame)
  }
}
