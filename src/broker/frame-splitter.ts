import { FramePool } from './frame-pool.ts'

/** What begins a frame: its length. */
const lengthBytes = 4

/** A frame is allocated at once up to this size; a larger one grows with what really arrives, unless there is a spare one. */
const trustedBytes = 4 * 1024 * 1024
/** Who has sent so much is trusted with so many times as much. */
const growthFactor = 4
/** From so many missing bytes on a frame is worth a read of its own. */
const directBytes = 64 * 1024

/** A frame length that no honest client sends: its connection is closed. */
export class FrameSizeError extends Error {
  override readonly name = 'FrameSizeError'
}

/**
 * Cuts a byte stream into frames. What is pushed is copied into a buffer for each frame, so that the socket can read
 * into the same memory again and again and record slices pin no more than their own frame. What is missing of a large
 * frame can be read into its place instead.
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

  /** A frame belongs to `onFrame`, which may give it back to the pool. */
  constructor(maxBytes: number, onFrame: (frame: Buffer) => void, pool = new FramePool()) {
    this.#maxBytes = maxBytes
    this.#onFrame = onFrame
    this.#pool = pool
  }

  /** Where the next bytes of the stream may be put, to be pushed from there; undefined when anywhere else is better. */
  nextTarget(): Buffer | undefined {
    if (this.#frame === undefined || this.#frameBytes - this.#filled < directBytes) return undefined
    this.#reserve(Math.min(this.#frameBytes, this.#filled + directBytes))
    return this.#frame.subarray(this.#filled, this.#frameBytes)
  }

  /** Takes the next bytes of the stream. Throws a FrameSizeError for an impossible length. */
  push(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#frame === undefined) {
        at += this.#takeLength(chunk, at)
        continue
      }
      const count = Math.min(this.#frameBytes - this.#filled, chunk.length - at)
      this.#reserve(this.#filled + count)
      // What was read into the target is in its place.
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
