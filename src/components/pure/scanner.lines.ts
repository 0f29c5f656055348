import { Buffer } from 'node:buffer'
import { type ByteSource, defineScanner, field, Message, type Scanner } from '../../engine/index.ts'

const NEWLINE = 10
const CARRIAGE_RETURN = 13

export default defineScanner({
  name: 'lines',
  categories: ['Utility'],
  summary: 'Makes each line a message.',
  config: field.object({
    custom_delimiter: field.string('A line delimiter that replaces the line break.').optional(),
    max_buffer_size: field
      .int('The maximum length of a line in bytes; reading of the source stops at a longer line.')
      .default(65536),
    omit_empty: field.bool('Whether empty lines are omitted.').default(false),
  }),
  create(config) {
    const delimiter = config.custom_delimiter ? Buffer.from(config.custom_delimiter, 'utf8') : null
    return { scan: source => new LineScanner(source, delimiter, config.max_buffer_size, config.omit_empty) }
  },
})

class LineScanner implements Scanner {
  readonly #source: ByteSource
  readonly #delimiter: Buffer | null
  readonly #maxBytes: number
  readonly #omitEmpty: boolean
  #rest: Buffer | null = null
  #failure: Error | null = null
  #ended = false

  constructor(source: ByteSource, delimiter: Buffer | null, maxBytes: number, omitEmpty: boolean) {
    this.#source = source
    this.#delimiter = delimiter
    this.#maxBytes = maxBytes
    this.#omitEmpty = omitEmpty
  }

  /** All complete lines of the next piece. */
  async next(): Promise<readonly Message[] | null> {
    for (;;) {
      if (this.#failure !== null) throw this.#failure
      if (this.#ended) return null
      const piece = await this.#source.read()
      if (piece === null) {
        this.#ended = true
        return this.#last()
      }
      const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.length)
      const chunk = this.#rest === null ? bytes : Buffer.concat([this.#rest, bytes])
      const messages = this.#cut(chunk)
      if (messages.length > 0) return messages
    }
  }

  close(): void | Promise<void> {
    return this.#source.close()
  }

  #cut(chunk: Buffer): Message[] {
    const messages: Message[] = []
    const { metadata } = this.#source
    const delimiter = this.#delimiter
    const width = delimiter === null ? 1 : delimiter.length
    let start = 0
    for (;;) {
      const end = delimiter === null ? chunk.indexOf(NEWLINE, start) : chunk.indexOf(delimiter, start)
      const stop = end === -1 ? chunk.length : end
      if (stop - start >= this.#maxBytes) {
        this.#failure = new Error('bufio.Scanner: token too long')
        this.#rest = null
        return messages
      }
      if (end === -1) break
      const trimmed = delimiter === null && end > start && chunk[end - 1] === CARRIAGE_RETURN ? end - 1 : end
      if (trimmed > start || !this.#omitEmpty) {
        messages.push(Message.fromChunk(chunk, start, trimmed, metadata))
      }
      start = end + width
    }
    this.#rest = start < chunk.length ? chunk.subarray(start) : null
    return messages
  }

  /** The text after the last line break. */
  #last(): readonly Message[] | null {
    const rest = this.#rest
    if (rest === null) return null
    const end = this.#delimiter === null && rest[rest.length - 1] === CARRIAGE_RETURN ? rest.length - 1 : rest.length
    if (end === 0 && this.#omitEmpty) return null
    return [Message.fromChunk(rest, 0, end, this.#source.metadata)]
  }
}
