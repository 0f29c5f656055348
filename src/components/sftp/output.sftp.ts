import { Buffer } from 'node:buffer'
import { posix } from 'node:path'
import { messageOf } from '../../base/index.ts'
import { type Interpolation, utf8Bytes } from '../../bloblang/index.ts'
import {
  type Batch,
  defineOutput,
  deliverEachOf,
  evaluated,
  field,
  Limiter,
  maxInFlightField,
  type Message,
  type Output,
  type Resources,
  throwOutcomes,
} from '../../engine/index.ts'
import { type WriterCodec, writerCodec } from '../io/body-buffer.ts'
import { codecField, MessageFiles } from '../io/message-files.ts'
import { clientFields, hasCode, type RemoteFile, SftpClient, type SftpSession } from './client.ts'

export default defineOutput({
  name: 'sftp',
  status: 'beta',
  categories: ['Network'],
  summary: 'Writes messages to files on an SFTP server.',
  description:
    'Folders are created as needed. With the codec `all-bytes`, each message replaces the content of its file, and different files are written concurrently. With the other codecs one file is open at a time, and messages are appended to it.',
  config: field.object({
    ...clientFields,
    path: field.interpolated('The path of the file; may depend on the message.'),
    codec: codecField('all-bytes').examples('lines', 'delim:\t', 'delim:foobar'),
    max_in_flight: maxInFlightField(64),
  }),
  requires: ['ssh2'],
  needs: ['network'],
  create(config, resources) {
    const codec = writerCodec(config.codec)
    const client = new SftpClient(config, resources)
    return codec.append
      ? new AppendingOutput(config.path, codec, client, resources)
      : new ReplacingOutput(config.path, client)
  },
})

/** Writes each message to a file of its own. */
class ReplacingOutput implements Output {
  readonly #path: Interpolation
  readonly #client: SftpClient
  /** Serializes the writes to each file. */
  readonly #turns = new Map<string, Limiter>()

  constructor(path: Interpolation, client: SftpClient) {
    this.#path = path
    this.#client = client
  }

  async connect(signal: AbortSignal): Promise<void> {
    await this.#client.session(signal)
  }

  write(batch: Batch): Promise<void> {
    return deliverEachOf(batch, (message, index) => this.#replace(this.#pathOf(batch, index), message.bytes()))
  }

  close(): Promise<void> {
    return this.#client.close()
  }

  #pathOf(batch: Batch, index: number): string {
    return evaluated('path', () => this.#path.eval(batch, index))
  }

  async #replace(path: string, bytes: Uint8Array): Promise<void> {
    const turn = this.#turns.get(path) ?? new Limiter(1)
    this.#turns.set(path, turn)
    await turn.enter()
    try {
      const session = this.#client.current
      const file = await openFile(session, path, 'w')
      await closedAfter(session, file, session.write(file, bytes, 0))
    } finally {
      turn.leave()
      if (turn.running === 0) this.#turns.delete(path)
    }
  }
}

/** A file open for writing. */
interface Written {
  readonly path: string
  readonly session: SftpSession
  readonly file: RemoteFile
  position: number
}

/** Appends messages to files, one of which is open. */
class AppendingOutput implements Output {
  readonly #suffix: Uint8Array
  readonly #messages: MessageFiles
  readonly #client: SftpClient
  readonly #resources: Resources
  readonly #turn = new Limiter(1)
  #open: Written | null = null
  /** The file that ends with a partial message because a write was interrupted. */
  #torn: string | null = null

  constructor(path: Interpolation, codec: WriterCodec, client: SftpClient, resources: Resources) {
    this.#suffix = utf8Bytes(codec.suffix)
    this.#messages = new MessageFiles(path, codec, (file, pieces) => this.#append(file, pieces))
    this.#client = client
    this.#resources = resources
  }

  async connect(signal: AbortSignal): Promise<void> {
    await this.#client.session(signal)
  }

  async write(batch: Batch): Promise<void> {
    throwOutcomes(batch, await this.writeRun(batch))
  }

  async writeRun(run: readonly Message[]): Promise<readonly (Error | null)[]> {
    await this.#turn.enter()
    try {
      return await this.#messages.write(run)
    } finally {
      this.#turn.leave()
    }
  }

  async close(): Promise<void> {
    await this.#closeFile()
    await this.#client.close()
  }

  async #append(path: string, pieces: readonly Uint8Array[]): Promise<void> {
    const written = await this.#fileAt(path)
    try {
      for (const piece of pieces) {
        await written.session.write(written.file, piece, written.position)
        written.position += piece.length
      }
    } catch (error) {
      this.#torn = path
      await this.#closeFile()
      throw error
    }
  }

  async #fileAt(path: string): Promise<Written> {
    if (this.#open?.path === path && !this.#open.session.isLost) return this.#open
    await this.#closeFile()
    const session = this.#client.current
    const file = await openFile(session, path, 'a')
    const { size } = await session.attributes(file)
    // Servers in append mode ignore the position; others need it.
    const written = { path, session, file, position: size }
    this.#open = written
    if (this.#torn === path) await this.#mend(written)
    return written
  }

  /** Terminates a partial message, so that it does not merge with the next one. */
  async #mend(written: Written): Promise<void> {
    const suffix = this.#suffix
    if (suffix.length > 0 && written.position > 0 && !(await endsWith(written, suffix))) {
      await written.session.write(written.file, suffix, written.position)
      written.position += suffix.length
    }
    this.#torn = null
  }

  async #closeFile(): Promise<void> {
    const open = this.#open
    this.#open = null
    if (open === null || open.session.isLost) return
    try {
      await open.session.closeFile(open.file)
    } catch (error) {
      this.#resources.log.error(`Failed to close written file: ${messageOf(error)}`)
    }
  }
}

/** Opens a file for writing, creating its folder if necessary. */
async function openFile(session: SftpSession, path: string, flags: 'w' | 'a'): Promise<RemoteFile> {
  try {
    return await session.open(path, flags)
  } catch (error) {
    if (!hasCode(error, 'no such file')) throw error
    await session.makeFolders(posix.dirname(path))
    return await session.open(path, flags)
  }
}

/** Whether a file ends with a suffix; false if it cannot be read. */
async function endsWith({ path, session, position }: Written, suffix: Uint8Array): Promise<boolean> {
  try {
    const file = await session.open(path, 'r')
    const end = await session.read(file, Math.max(0, position - suffix.length), suffix.length)
    await session.closeFile(file)
    return Buffer.compare(end, suffix) === 0
  } catch (error) {
    if (hasCode(error, 'permission denied')) return false
    throw error
  }
}

/** Closes a file after the write has succeeded or failed; an error on closing, such as a full disk, counts as well. */
async function closedAfter(session: SftpSession, file: RemoteFile, writing: Promise<void>): Promise<void> {
  try {
    await writing
  } catch (error) {
    await session.closeFile(file).catch(() => undefined) // the first error is more informative
    throw error
  }
  await session.closeFile(file)
}
