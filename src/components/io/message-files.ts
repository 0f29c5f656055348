import { asError } from '../../base/index.ts'
import { allDelivered, evaluated, field, type Message } from '../../engine/index.ts'
import { BodyBuffer, type WriterCodec } from './body-buffer.ts'

/** The field that configures how an output writes messages to files. */
export const codecField = (name: string) =>
  field.string('How messages are written to the file.').default(name).options(
    {
      'all-bytes': "Each message replaces the file's content.",
      append: 'Appended without a delimiter.',
      lines: 'Each followed by a line break, unless it ends with one.',
      'delim:x': 'Each followed by a custom delimiter.',
    },
    false,
  )

interface Path {
  readonly static: string | null
  eval(batch: readonly Message[], index: number): string
}

/** Writes pieces to a file, appending or replacing as the codec requires. */
type Put = (path: string, pieces: readonly Uint8Array[]) => Promise<void>

interface Part {
  readonly path: string | Error
  readonly places: number[]
}

/** Writes messages to files whose path may depend on the message. */
export class MessageFiles {
  readonly #path: Path
  readonly #codec: WriterCodec
  readonly #buffer: BodyBuffer
  readonly #put: Put

  constructor(path: Path, codec: WriterCodec, put: Put) {
    this.#path = path
    this.#codec = codec
    this.#buffer = new BodyBuffer(codec.suffix)
    this.#put = put
  }

  /** Writes messages in order, evaluating the path for each one by itself. Returns the outcome of each, by index. */
  async write(messages: readonly Message[]): Promise<readonly (Error | null)[]> {
    if (this.#path.static === null || !this.#codec.append) return await this.#writeEach(messages)
    await this.#putAll(this.#path.static, messages)
    return allDelivered(messages)
  }

  /** Messages may go to different files; those for the same file are written together, in order. */
  async #writeEach(messages: readonly Message[]): Promise<readonly (Error | null)[]> {
    const outcomes: (Error | null)[] = messages.map(() => null)
    for (const { path, places } of this.#parts(messages)) {
      const failure =
        path instanceof Error
          ? path
          : await this.#failureOf(
              path,
              places.map(place => messages[place]!),
            )
      for (const place of places) outcomes[place] = failure
    }
    return outcomes
  }

  /** Groups messages by path. Each path is evaluated exactly once, since an interpolation may count. */
  #parts(messages: readonly Message[]): readonly Part[] {
    const parts: Part[] = []
    const byPath = new Map<string, Part>()
    for (const [place, message] of messages.entries()) {
      const path = this.#pathOf(message)
      const known = typeof path === 'string' && this.#codec.append ? byPath.get(path) : undefined
      if (known !== undefined) {
        known.places.push(place)
        continue
      }
      const part = { path, places: [place] }
      parts.push(part)
      if (typeof path === 'string') byPath.set(path, part)
    }
    return parts
  }

  #pathOf(message: Message): string | Error {
    try {
      return evaluated('path', () => this.#path.eval([message], 0))
    } catch (error) {
      return asError(error)
    }
  }

  async #failureOf(path: string, messages: readonly Message[]): Promise<Error | null> {
    try {
      await this.#putAll(path, messages)
      return null
    } catch (error) {
      return asError(error)
    }
  }

  async #putAll(path: string, messages: readonly Message[]): Promise<void> {
    for (const message of messages) this.#buffer.add(message)
    await this.#put(path, this.#buffer.take())
  }
}
