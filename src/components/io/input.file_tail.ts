import { Buffer } from 'node:buffer'
import type { FileHandle } from 'node:fs/promises'
import { fileErrorText } from '../../base/index.ts'
import {
  autoReplayNacksField,
  defineInput,
  deliverEach,
  type Delivery,
  field,
  type Files,
  type Input,
  Message,
  pause,
  type Resources,
} from '../../engine/index.ts'

const CHUNK_BYTES = 64 * 1024
/** Longer lines are skipped with an error. */
const maxLineBytes = 64 * 1024 * 1024
const NEWLINE = 10
const CARRIAGE_RETURN = 13

export default defineInput({
  name: 'file_tail',
  status: 'experimental',
  version: '1.15.0',
  categories: ['Local'],
  summary: 'Reads the lines of a file as they are written, following rotation and truncation.',
  description: `Each message has the metadata \`file_tail_path\` and \`file_tail_position\`, the offset after its line. Empty lines
are skipped. A line is delivered once its line break has been written, whereas the original delivers partial lines; the last
lines of a rotated file are delivered before the first ones of its successor. Lines longer than ${maxLineBytes / 1024 / 1024} MiB
are skipped with an error.`,
  config: field.object({
    path: field.string('The file.').needs('files').examples('./folder/file.log'),
    poll_interval: field.duration('How often to check for new lines.').default('1s').examples('1s', '200ms'),
    line_buffer: field.int('How many lines are read ahead.').default(1000).advanced(),
    start_position: field.string('Where to start reading.').default('start').options({
      start: 'At the lines that already exist.',
      end: 'At the lines written from now on.',
    }),
    auto_replay_nacks: autoReplayNacksField,
  }),
  examples: [
    {
      title: 'A log file',
      config: 'input:\n  file_tail:\n    path: ./app.log\n    poll_interval: 200ms\n',
    },
  ],
  async create(config, resources) {
    const opened = await open(resources.host.files, config.path)
    if (config.start_position === 'end') opened.position = opened.sizeBytes
    return new FileTail(config.path, config.poll_interval ?? 1000, Math.max(1, config.line_buffer), opened, resources)
  },
})

interface OpenFile {
  readonly handle: FileHandle
  readonly device: number
  readonly inode: number
  readonly sizeBytes: number
  /** The offset up to which it has been read. */
  position: number
}

class FileTail implements Input {
  readonly #path: string
  readonly #pollMs: number
  readonly #maxLines: number
  readonly #resources: Resources
  readonly #files: Files
  #file: OpenFile
  /** Data after the last complete line. */
  #rest: Buffer = Buffer.alloc(0)
  /** Whether the rest of an overlong line is being skipped. */
  #isSkipping = false
  #lines: Message[] = []

  constructor(path: string, pollMs: number, maxLines: number, file: OpenFile, resources: Resources) {
    this.#path = path
    this.#pollMs = pollMs
    this.#maxLines = maxLines
    this.#file = file
    this.#resources = resources
    this.#files = resources.host.files
  }

  async read(signal: AbortSignal): Promise<Delivery | null> {
    for (;;) {
      if (signal.aborted) return null
      if (this.#lines.length > 0) return deliverEach(this.#lines.splice(0, this.#maxLines))
      if (await this.#readMore()) continue
      if (await this.#changeFile()) continue
      await pause(this.#pollMs, signal)
    }
  }

  async close(): Promise<void> {
    await this.#file.handle.close()
  }

  /** Returns false at the end of the file. */
  async #readMore(): Promise<boolean> {
    const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES)
    const { bytesRead } = await this.#file.handle.read(chunk, 0, CHUNK_BYTES, this.#file.position)
    if (bytesRead === 0) return false
    const base = this.#file.position - this.#rest.length
    this.#file.position += bytesRead
    const piece = chunk.subarray(0, bytesRead)
    this.#cut(this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece]), base)
    return true
  }

  /** Splits bytes that begin at the offset `base` into lines. */
  #cut(bytes: Buffer, base: number): void {
    let start = 0
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      if (!this.#isSkipping) this.#add(bytes, start, end, base + end + 1)
      this.#isSkipping = false
      start = end + 1
    }
    this.#rest = Buffer.from(bytes.subarray(start))
    if (this.#rest.length <= maxLineBytes && !this.#isSkipping) return
    if (!this.#isSkipping) {
      this.#resources.log.error(`A line of ${this.#path} is longer than ${maxLineBytes} bytes and is left out`)
    }
    this.#isSkipping = true
    this.#rest = Buffer.alloc(0)
  }

  #add(bytes: Buffer, start: number, end: number, position: number): void {
    let stop = end
    while (stop > start && bytes[stop - 1] === CARRIAGE_RETURN) stop--
    if (stop === start) return
    const metadata = new Map([
      ['file_tail_path', this.#path],
      ['file_tail_position', String(position)],
    ])
    this.#lines.push(Message.fromChunk(bytes, start, stop, metadata))
  }

  /**
   * Switches to the file that is now at the path, or to the start of one that was truncated; returns false if it is
   * unchanged.
   */
  async #changeFile(): Promise<boolean> {
    const { log } = this.#resources
    const found = await this.#files.stat(this.#path).catch((error: NodeJS.ErrnoException) => {
      // Between the two steps of a rotation there is no file at the path; the old one may still grow.
      if (error.code === 'ENOENT') return null
      throw new Error(fileErrorText('stat', this.#path, error), { cause: error })
    })
    if (found === null) return false
    if (found.ino === this.#file.inode && found.dev === this.#file.device) {
      if (found.size >= this.#file.position) return false
      log.debug(`Handling truncation for ${this.#path}`)
      this.#file.position = 0
      this.#rest = Buffer.alloc(0)
      return true
    }
    log.debug(`Handling rotation for ${this.#path}`)
    const next = await open(this.#files, this.#path)
    // Data written between the last read and the rotation.
    while (await this.#readMore());
    if (!this.#isSkipping) this.#add(this.#rest, 0, this.#rest.length, this.#file.position)
    this.#rest = Buffer.alloc(0)
    this.#isSkipping = false
    await this.#file.handle.close()
    this.#file = next
    return true
  }
}

async function open(files: Files, path: string): Promise<OpenFile> {
  try {
    const handle = await files.open(path, 'r')
    const { dev, ino, size } = await handle.stat()
    return { handle, device: dev, inode: ino, sizeBytes: size, position: 0 }
  } catch (error) {
    throw new Error(fileErrorText('open', path, error), { cause: error })
  }
}
