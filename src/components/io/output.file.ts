import type { FileHandle } from 'node:fs/promises'
import { dirname, normalize } from 'node:path'
import { codeOf, fileErrorText } from '../../base/index.ts'
import type { Interpolation } from '../../bloblang/index.ts'
import {
  type Batch,
  ClosedError,
  defineOutput,
  field,
  type Files,
  type Message,
  type Output,
  throwOutcomes,
} from '../../engine/index.ts'
import { type WriterCodec, writerCodec } from './body-buffer.ts'
import { codecField, MessageFiles } from './message-files.ts'

export default defineOutput({
  name: 'file',
  categories: ['Local'],
  summary: 'Writes messages to files.',
  description:
    'Folders are created as needed. With the codec `all-bytes`, each message replaces the content of its file.',
  config: field.object({
    path: field
      .interpolated('The path of the file; may depend on the message.')
      .needs('files')
      .examples('./orders-${! @day }.jsonl'),
    codec: codecField('lines'),
  }),
  maxInFlight: 1,
  create(config, { host: { files } }) {
    return new FileOutput(config.path, writerCodec(config.codec), files)
  },
})

interface OpenFile {
  readonly path: string
  readonly handle: FileHandle
}

class FileOutput implements Output {
  readonly #codec: WriterCodec
  readonly #files: Files
  readonly #messages: MessageFiles
  #open: OpenFile | null = null
  #isClosed = false

  constructor(path: Interpolation, codec: WriterCodec, files: Files) {
    this.#codec = codec
    this.#files = files
    this.#messages = new MessageFiles(path, codec, (file, pieces) => this.#put(normalize(file), pieces))
  }

  async write(batch: Batch): Promise<void> {
    throwOutcomes(batch, await this.writeRun(batch))
  }

  writeRun(run: readonly Message[]): Promise<readonly (Error | null)[]> {
    return this.#messages.write(run)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#closeFile()
  }

  #put(path: string, pieces: readonly Uint8Array[]): Promise<void> {
    return this.#codec.append ? this.#append(path, pieces) : this.#replace(path, pieces)
  }

  async #append(path: string, pieces: readonly Uint8Array[]): Promise<void> {
    const { handle } = this.#open?.path === path ? this.#open : await this.#openFile(path)
    await writeAll(handle, pieces)
  }

  /** Replaces the open file. Throws if the output is closed, even if only while the file was being opened. */
  async #openFile(path: string): Promise<OpenFile> {
    await this.#closeFile()
    if (this.#isClosed) throw new ClosedError()
    const open = { path, handle: await openForWriting(this.#files, path, 'a') }
    this.#open = open
    if (!this.#isClosed) return open
    await this.#closeFile()
    throw new ClosedError()
  }

  async #closeFile(): Promise<void> {
    const open = this.#open
    this.#open = null
    await open?.handle.close()
  }

  async #replace(path: string, pieces: readonly Uint8Array[]): Promise<void> {
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
    try {
      return await files.open(path, flag)
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
      await files.mkdir(dirname(path))
      return await files.open(path, flag)
    }
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
  // A short write indicates a full disk: writing the rest fails with the reason.
  const rest = Buffer.concat(pieces).subarray(bytesWritten)
  await handle.writeFile(rest)
}
