import { closeSync, createReadStream, createWriteStream, fstatSync, openSync, readdirSync, renameSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { makeFolderSync } from '../base/index.ts'
import { descriptorSink, type LogSink } from './log-sink.ts'

const maxBytes = 10 * 1024 * 1024
const keptFiles = 1
const dayMs = 24 * 60 * 60 * 1000

interface RotationOptions {
  /** How many days a rotated file is kept; 0 keeps it until the next one replaces it. */
  readonly maxAgeDays: number
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** The maximum size of the file. Defaults to 10 MiB. */
  readonly maxBytes?: number
}

/**
 * A log file that is renamed before it exceeds 10 MiB: `app.log` to `app-2026-01-31T12-00-00.000.log`, which is
 * compressed to `….gz` in the background. The latest rotated file is kept, as in the original. Like every sink it never
 * throws, except if the file cannot be opened at first.
 */
export class RotatingFile {
  readonly #path: string
  readonly #options: RotationOptions
  #descriptor = -1
  #sink: LogSink = () => {}
  #bytes = 0
  /** Compression and deletion of rotated files, serialised. */
  #upkeep: Promise<void>

  constructor(path: string, options: RotationOptions) {
    this.#path = path
    this.#options = options
    this.#open()
    this.#upkeep = this.#tidy()
  }

  readonly write: LogSink = line => {
    const lineBytes = Buffer.byteLength(line)
    if (this.#bytes > 0 && this.#bytes + lineBytes > (this.#options.maxBytes ?? maxBytes)) this.#rotate()
    this.#sink(line)
    this.#bytes += lineBytes
  }

  /** Resolves when rotated files are compressed and surplus ones deleted. */
  settled(): Promise<void> {
    return this.#upkeep
  }

  #open(): void {
    makeFolderSync(dirname(this.#path))
    this.#descriptor = openSync(this.#path, 'a')
    this.#bytes = fstatSync(this.#descriptor).size
    this.#sink = descriptorSink(this.#descriptor)
  }

  #rotate(): void {
    try {
      renameSync(this.#path, this.#rotatedPath())
      const previous = this.#descriptor
      this.#open()
      closeSync(previous)
    } catch {
      // The log continues in the open file; rotation is attempted again after another full file.
      this.#bytes = 0
      return
    }
    this.#upkeep = this.#upkeep.then(() => this.#tidy())
  }

  #rotatedPath(): string {
    const extension = extname(this.#path)
    const stem = basename(this.#path, extension)
    const time = new Date(this.#options.now()).toISOString().replaceAll(':', '-').replace('Z', '')
    return join(dirname(this.#path), `${stem}-${time}${extension}`)
  }

  async #tidy(): Promise<void> {
    try {
      const rotated = this.#rotatedFiles()
      const oldestMs = this.#options.maxAgeDays > 0 ? this.#options.now() - this.#options.maxAgeDays * dayMs : 0
      for (const [index, { path, timeMs }] of rotated.entries()) {
        if (index >= keptFiles || timeMs < oldestMs) await rm(path, { force: true })
        else if (!path.endsWith('.gz')) await compress(path)
      }
    } catch {
      // Rotated files stay as they are until the next rotation; the log itself is not affected.
    }
  }

  /** Latest first. */
  #rotatedFiles(): readonly { readonly path: string; readonly timeMs: number }[] {
    const extension = extname(this.#path)
    const start = `${basename(this.#path, extension)}-`
    return readdirSync(dirname(this.#path))
      .filter(name => name.startsWith(start) && name.replace(/\.gz$/, '').endsWith(extension))
      .map(name => ({ path: join(dirname(this.#path), name), timeMs: timeOf(name.slice(start.length)) }))
      .filter(({ timeMs }) => !Number.isNaN(timeMs))
      .toSorted((left, right) => right.timeMs - left.timeMs)
  }
}

/** The time in `2026-01-31T12-00-00.000.log`; NaN if there is none. */
function timeOf(rest: string): number {
  const parts = /^(\d{4}-\d\d-\d\dT)(\d\d)-(\d\d)-(\d\d\.\d{3})/.exec(rest)
  return parts === null ? NaN : Date.parse(`${parts[1]}${parts[2]}:${parts[3]}:${parts[4]}Z`)
}

async function compress(path: string): Promise<void> {
  await pipeline(createReadStream(path), createGzip(), createWriteStream(`${path}.gz`))
  await rm(path)
}
