import type { FileHandle } from 'node:fs/promises'
import { dirname, normalize } from 'node:path'
import { asError, fileErrorText } from '../../base/index.ts'
import {
  allDelivered,
  type Batch,
  defineOutput,
  evaluated,
  field,
  type Files,
  type Message,
  type Output,
  throwOutcomes,
} from '../../engine/index.ts'
import { BodyBuffer, type WriterCodec, writerCodec } from './body-buffer.ts'

type Path = { readonly static: string | null; eval(batch: readonly Message[], index: number): string }

export default defineOutput({
  name: 'file',
  categories: ['Local'],
  summary: 'Writes messages to files.',
  description: 'Folders are made as needed. With the codec `all-bytes` each message replaces the content of its file.',
  config: field.object({
    path: field.interpolated('The file; may depend on the message.').needs('files'),
    codec: field.string('How messages are written into the file.').default('lines').options(
      {
        'all-bytes': 'Each message replaces what the file held.',
        append: 'One after the other with nothing between them.',
        lines: 'Each followed by a line break, unless it ends in one.',
        'delim:x': 'Each followed by any text.',
      },
      false,
    ),
  }),
  maxInFlight: 1,
  create(config, { host: { files } }) {
    return new FileOutput(config.path, writerCodec(config.codec), files)
  },
})

class FileOutput implements Output {
  readonly #path: Path
  readonly #codec: WriterCodec
  readonly #files: Files
  readonly #buffer: BodyBuffer
  #open: { readonly path: string; readonly handle: FileHandle } | null = null

  constructor(path: Path, codec: WriterCodec, files: Files) {
    this.#path = path
    this.#codec = codec
    this.#files = files
    this.#buffer = new BodyBuffer(codec.suffix)
  }

  async write(batch: Batch): Promise<void> {
    throwOutcomes(batch, await this.writeRun(batch))
  }

  /** Messages are written one by one, batch or not: the path sees each alone. */
  async writeRun(run: readonly Message[]): Promise<readonly (Error | null)[]> {
    if (this.#path.static === null || !this.#codec.append) return await this.#writeEach(run)
    for (const message of run) this.#buffer.add(message)
    await this.#append(normalize(this.#path.static))
    return allDelivered(run)
  }

  async close(): Promise<void> {
    const open = this.#open
    this.#open = null
    await open?.handle.close()
  }

  /** Messages may go to different files: those for the same one in a row are written together. */
  async #writeEach(messages: readonly Message[]): Promise<readonly (Error | null)[]> {
    const outcomes: (Error | null)[] = messages.map(() => null)
    // Each once, as an interpolation may count.
    const paths = messages.map(message => this.#pathOf(message))
    let first = 0
    while (first < messages.length) {
      const path = paths[first]!
      let end = first + 1
      if (this.#codec.append) while (end < messages.length && paths[end] === path) end++
      const failure = path instanceof Error ? path : await this.#writeTo(path, messages.slice(first, end))
      outcomes.fill(failure, first, end)
      first = end
    }
    return outcomes
  }

  #pathOf(message: Message): string | Error {
    try {
      return normalize(evaluated('path', () => this.#path.eval([message], 0)))
    } catch (error) {
      return asError(error)
    }
  }

  async #writeTo(path: string, messages: readonly Message[]): Promise<Error | null> {
    try {
      for (const message of messages) this.#buffer.add(message)
      await (this.#codec.append ? this.#append(path) : this.#replace(path))
      return null
    } catch (error) {
      return asError(error)
    }
  }

  async #append(path: string): Promise<void> {
    const pieces = this.#buffer.take()
    if (this.#open?.path !== path) {
      await this.close()
      this.#open = { path, handle: await openForWriting(this.#files, path, 'a') }
    }
    await writeAll(this.#open!.handle, pieces)
  }

  async #replace(path: string): Promise<void> {
    const pieces = this.#buffer.take()
    const handle = await openForWriting(this.#files, path, 'w')
    try {
      await writeAll(handle, pieces)
    } finally {
      await handle.close()
    }
  }
}

async function openForWriting(files: Files, path: string, flag: 'a' | 'w'): Promise<FileHandle> {
  try {
    await files.mkdir(dirname(path))
    return await files.open(path, flag)
  } catch (error) {
    throw new Error(fileErrorText('open', path, error), { cause: error })
  }
}

async function writeAll(handle: FileHandle, pieces: readonly Uint8Array[]): Promise<void> {
  if (pieces.length === 0) return
  let sizeBytes = 0
  for (const piece of pieces) sizeBytes += piece.length
  const { bytesWritten } = await handle.writev([...pieces])
  if (bytesWritten === sizeBytes) return
  // A short write happens on a full disk: the rest fails with the reason.
  const rest = Buffer.concat(pieces).subarray(bytesWritten)
  await handle.writeFile(rest)
}
