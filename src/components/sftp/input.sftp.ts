import { Buffer } from 'node:buffer'
import { Readable } from 'node:stream'
import { messageOf } from '../../base/index.ts'
import {
  autoReplayNacksField,
  type ByteSource,
  type Cache,
  codecFields,
  defineInput,
  field,
  type Infer,
  isClosing,
  NotConnectedError,
  ObjectInput,
  type ObjectSource,
  type ObjectTarget,
  openScanner,
  pause,
  type Resources,
  ResumedSource,
} from '../../engine/index.ts'
import {
  clientFields,
  hasCode,
  type RemoteFile,
  requestBytes,
  SftpClient,
  SftpError,
  type SftpSession,
  windowBytes,
} from './client.ts'
import { filesMatching, type Glob, parseGlob } from './glob.ts'

const config = field.object({
  ...clientFields,
  paths: field
    .string('The files to read, in order. Patterns with `*`, `?` and `[a-z]` expand to all matching files, sorted.')
    .list(),
  auto_replay_nacks: autoReplayNacksField,
  ...codecFields,
  scanner: field.scanner('How a file is split into messages.').default({ to_the_end: {} }),
  delete_on_finish: field
    .bool('Whether a file is deleted once all of its messages have been delivered.')
    .default(false)
    .advanced(),
  watcher: field
    .object(
      {
        enabled: field.bool('Whether to wait for new files.').default(false),
        minimum_age: field
          .duration(
            'How long ago a file must have been modified, so that it is not read while it is still being written.',
          )
          .default('1s')
          .examples('10s', '1m', '10m'),
        poll_interval: field.duration('How often to check for new files.').default('1s').examples('100ms', '1s'),
        cache: field.string('The cache resource that stores which files have been read.').default(''),
      },
      'Waits for new files after the existing ones. Each file is read once, as recorded in `cache`.',
    )
    .optional(),
})

type Config = Infer<typeof config>

export default defineInput({
  name: 'sftp',
  status: 'beta',
  categories: ['Network'],
  summary: 'Reads files from an SFTP server one after another and splits them into messages with a scanner.',
  description: `Each message has the metadata \`sftp_path\`. Without \`watcher\` the input ends after the last file.

If the connection is lost in the middle of a file, the input reconnects and continues where it stopped, unless the file has been modified in the meantime; the original skips the rest of the file. Files that are rejected or not read to the end are removed from the cache of \`watcher\`, and read again.`,
  config,
  requires: ['ssh2'],
  needs: ['network'],
  examples: [
    {
      title: 'Watching for new files',
      summary: 'CSV files are read a minute after they were last modified, and then deleted.',
      config: `input:
  sftp:
    address: files.example.com:22
    credentials:
      username: reader
      private_key_file: /etc/keys/reader
    paths: [ /outgoing/*.csv ]
    scanner:
      csv: {}
    delete_on_finish: true
    watcher:
      enabled: true
      minimum_age: 1m
      poll_interval: 10s
      cache: files
cache_resources:
  - label: files
    file:
      directory: /var/lib/files-that-were-read
`,
    },
  ],
  async create(options, resources) {
    const factory = await openScanner(options, resources)
    const client = new SftpClient(options, resources)
    const { watcher, delete_on_finish: deletes, paths } = options
    const globs = paths.map(parseGlob)
    const files =
      watcher?.enabled === true
        ? new NewFiles(globs, watcher, client, resources)
        : new ListedFiles(globs, client, resources)
    return new ObjectInput(new SftpSource(client, files, deletes, resources), factory, resources.log)
  },
})

/** A source of files to read. */
interface Files {
  /** The path of the next file; null at the end, or when the signal aborts. */
  next(signal: AbortSignal): Promise<string | null>
  /** Reports the outcome of a file, as in `ObjectTarget.settled`. */
  settled(path: string, error: Error | null): Promise<void>
}

class SftpSource implements ObjectSource<ObjectTarget> {
  readonly #client: SftpClient
  readonly #files: Files
  readonly #deletes: boolean
  readonly #resources: Resources

  constructor(client: SftpClient, files: Files, deletes: boolean, resources: Resources) {
    this.#client = client
    this.#files = files
    this.#deletes = deletes
    this.#resources = resources
  }

  async connect(signal: AbortSignal): Promise<void> {
    await this.#client.session(signal)
  }

  async next(signal: AbortSignal): Promise<ObjectTarget | null> {
    const key = await this.#files.next(signal)
    if (key === null) return null
    return {
      key,
      settled: async error => {
        await this.#files.settled(key, error)
        if (error === null && this.#deletes) {
          await (await this.#client.session(this.#resources.signal)).remove(key)
        }
      },
    }
  }

  async open({ key }: ObjectTarget, signal: AbortSignal): Promise<ByteSource> {
    const { host, log } = this.#resources
    const first = await OpenFile.open(this.#client.current, key)
    log.debug(`Consuming from file '${key}'`)
    return new ResumedSource(
      {
        name: key,
        metadata: new Map([['sftp_path', key]]),
        body: first.bytes(0),
        isTransient: isConnectionLost,
        reopen: async position => {
          const again = await OpenFile.open(await this.#client.session(signal), key)
          if (!again.continues(first, position))
            throw new SftpError('other', `the file '${key}' was changed while it was read`)
          return again.bytes(position)
        },
      },
      { log, random: () => host.random(), signal },
    )
  }

  mayOpenLater(error: unknown): boolean {
    return isConnectionLost(error)
  }

  close(): Promise<void> {
    return this.#client.close()
  }
}

/** Any error that is not a server's response. */
function isConnectionLost(error: unknown): boolean {
  return !(error instanceof SftpError)
}

/** A file open for reading. */
class OpenFile {
  readonly #session: SftpSession
  readonly #file: RemoteFile
  readonly #size: number
  readonly #modified: number

  private constructor(session: SftpSession, file: RemoteFile, size: number, modified: number) {
    this.#session = session
    this.#file = file
    this.#size = size
    this.#modified = modified
  }

  static async open(session: SftpSession, path: string): Promise<OpenFile> {
    const file = await session.open(path, 'r')
    const { size, mtime } = await session.attributes(file)
    return new OpenFile(session, file, size, mtime)
  }

  /** Whether this is the same file as `before`, possibly with data appended, and extends up to a position. */
  continues(before: OpenFile, position: number): boolean {
    return this.#size >= position && (this.#size > before.#size || this.#modified === before.#modified)
  }

  /** The bytes from a position on; closing the stream closes the file. */
  bytes(position: number): Readable {
    return Readable.from(this.#read(position), { highWaterMark: 1 })
  }

  async *#read(start: number): AsyncGenerator<Uint8Array> {
    let position = start
    try {
      for (;;) {
        const piece = await this.#window(position)
        if (piece.length === 0) return
        position += piece.length
        yield piece
      }
    } finally {
      // A lost connection has closed the file.
      if (!this.#session.isLost) await this.#session.closeFile(this.#file)
    }
  }

  /** Reads the next bytes with several concurrent requests; none at the end. */
  async #window(position: number): Promise<Uint8Array> {
    // At least one, since the file may have grown.
    const count = Math.max(1, Math.ceil(Math.min(windowBytes, this.#size - position) / requestBytes))
    const answers = await Promise.all(
      Array.from({ length: count }, (_, i) =>
        this.#session.read(this.#file, position + i * requestBytes, requestBytes),
      ),
    )
    // After a short read there is either the end of the file, or a gap that is requested again.
    const short = answers.findIndex(({ length }) => length < requestBytes)
    return Buffer.concat(short === -1 ? answers : answers.slice(0, short + 1))
  }
}

/** The files that exist when the stream starts. */
class ListedFiles implements Files {
  readonly #globs: readonly Glob[]
  readonly #client: SftpClient
  readonly #resources: Resources
  #paths: string[] | null = null

  constructor(globs: readonly Glob[], client: SftpClient, resources: Resources) {
    this.#globs = globs
    this.#client = client
    this.#resources = resources
  }

  async next(): Promise<string | null> {
    this.#paths ??= await scanned(this.#globs, this.#client.current, this.#resources)
    return this.#paths.shift() ?? null
  }

  async settled(): Promise<void> {
    // Without a cache there is nothing to record.
  }
}

/** The cache's values for a file that has been read, and for one being read. */
const [done, begun] = [Buffer.from('@'), Buffer.from('!')]

/** Files as they appear, each of them once. */
class NewFiles implements Files {
  readonly #globs: readonly Glob[]
  readonly #client: SftpClient
  readonly #resources: Resources
  readonly #cache: Cache
  readonly #minimumAgeMs: number
  readonly #intervalMs: number
  #paths: string[] = []
  #nextScanAt = 0
  /** Files that an earlier stream started and did not finish are read again. */
  #isFirstScan = true

  constructor(
    globs: readonly Glob[],
    watcher: NonNullable<Config['watcher']>,
    client: SftpClient,
    resources: Resources,
  ) {
    this.#globs = globs
    this.#client = client
    this.#resources = resources
    this.#cache = resources.cache(watcher.cache)
    this.#minimumAgeMs = watcher.minimum_age ?? 0
    this.#intervalMs = watcher.poll_interval ?? 0
  }

  async next(signal: AbortSignal): Promise<string | null> {
    const { clock } = this.#resources
    for (;;) {
      const path = this.#paths.shift()
      if (path !== undefined) return path
      await pause(Math.max(0, this.#nextScanAt - clock.monotonic()), signal)
      if (signal.aborted) return null
      const session = this.#client.current
      this.#nextScanAt = clock.monotonic() + this.#intervalMs
      for (const found of await scanned(this.#globs, session, this.#resources)) {
        if (await this.#isNew(found, session)) this.#paths.push(found)
      }
      this.#isFirstScan = false
    }
  }

  async settled(path: string, error: Error | null): Promise<void> {
    if (error === null || hasCode(error, 'no such file')) await this.#cache.set(path, done)
    else if (!isClosing(error)) await this.#cache.delete(path)
  }

  /** Whether a file is old enough and has not been read; if so it is marked. */
  async #isNew(path: string, session: SftpSession): Promise<boolean> {
    const { clock, log } = this.#resources
    try {
      const { mtime } = await session.stat(path)
      if (clock.now() - mtime * 1000 < this.#minimumAgeMs) return false
      const mark = await this.#cache.get(path)
      if (mark !== undefined && !(this.#isFirstScan && begun.equals(mark))) return false
      await this.#cache.set(path, begun)
      return true
    } catch (error) {
      if (error instanceof NotConnectedError) throw error
      // The next scan checks it again.
      log.warn(`Failed to look at '${path}': ${messageOf(error)}`)
      return false
    }
  }
}

/** The files that currently match. A path that cannot be listed is logged. */
async function scanned(globs: readonly Glob[], session: SftpSession, { log }: Resources): Promise<string[]> {
  const paths: string[] = []
  for (const glob of globs) {
    try {
      paths.push(...(await filesMatching(glob, session)))
    } catch (error) {
      if (error instanceof NotConnectedError) throw error
      log.warn(`Failed to scan files from path '${glob.text}': ${messageOf(error)}`)
    }
  }
  return paths
}
