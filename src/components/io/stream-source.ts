import type { Readable } from 'node:stream'
import type { ByteSource, Metadata } from '../../engine/index.ts'

/** The bytes of a stream as a source for a scanner. Unread data stays in the stream. */
export class StreamSource implements ByteSource {
  readonly name = ''
  readonly metadata: Metadata
  readonly #stream: Readable
  readonly #pieces: AsyncIterator<Uint8Array>

  constructor(stream: Readable, metadata: Metadata = new Map()) {
    this.#stream = stream
    // An error that occurs while there is no read is thrown by the next read.
    stream.on('error', () => undefined)
    this.metadata = metadata
    // Byte streams yield bytes, which their type does not express.
    this.#pieces = stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>
  }

  async read(): Promise<Uint8Array | null> {
    const { done, value } = await this.#pieces.next()
    return done === true ? null : value
  }

  close(): void {
    this.#stream.destroy()
  }
}
