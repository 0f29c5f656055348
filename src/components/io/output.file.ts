import type { FileHandle } from 'node:fs/promises'
import { dirname, normalize } from 'node:path'
import { fileErrorText } from '../../base/index.ts'
import {
  type Batch,
  BatchError,
  defineOutput,
  field,
  type Files,
  type Message,
  type Output,
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
    if (this.#path.static !== null && this.#codec.append) {
      for (const message of batch.messages) this.#buffer.add(message)
      await this.#append(normalize(this.#path.static))
      return
    }
    await this.#writeEach(batch)
  }

  async close(): Promise<void> {
    const open = this.#open
    this.#open = null
    await open?.handle.close()
  }

  /** Messages may go to different files: those for the same one in a row are written together. */
  async #writeEach(batch: Batch): Promise<void> {
    const failures = new Map<number, Error>()
    let run: number[] = []
    let runPath = ''
    const flush = async () => {
      const indexes = run
      run = []
      if (indexes.length === 0) return
      try {
        for (const index of indexes) this.#buffer.add(batch.messages[index]!)
        await (this.#codec.append ? this.#append(runPath) : this.#replace(runPath))
      } catch (error) {
        for (const index of indexes) failures.set(index, error as Error)
      }
    }
    for (let index = 0; index < batch.messages.length; index++) {
      let path: string
      try {
        // Files are written message by message: the path sees each alone.
        path = normalize(this.#path.eval([batch.messages[index]!], 0))
      } catch (error) {
        failures.set(index, new Error(`path interpolation error: ${(error as { message: string }).message}`))
        continue
      }
      if (path !== runPath || !this.#codec.append) await flush()
      runPath = path
      run.push(index)
    }
    await flush()
    if (failures.size > 0)
      throw failures.size === batch.messages.length && !batch.solo
        ? [...failures.values()][0]!
        : new BatchError(failures)
  }

  async #append(path: string): Promise<void> {
    if (this.#open?.path !== path) {
      await this.close()
      this.#open = { path, handle: await openForWriting(this.#files, path, 'a') }
    }
    await writeAll(this.#open!.handle, this.#buffer.take())
  }

  async #replace(path: string): Promise<void> {
    const handle = await openForWriting(this.#files, path, 'w')
    try {
      await writeAll(handle, this.#buffer.take())
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
    throw new Error(fileErrorText('open', path, error as NodeJS.ErrnoException), { cause: error })
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
