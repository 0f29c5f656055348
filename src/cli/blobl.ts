import { isAscii, isUtf8 } from 'node:buffer'
import { readFileSync, readSync, writeSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import process from 'node:process'
import { once } from 'node:events'
import { isMainThread, Worker } from 'node:worker_threads'
import { workerUrl } from '../base/index.ts'
import {
  compileMapping,
  MAP_STACK_MB,
  DELETED,
  type Mapping,
  MappingError,
  type MessageView,
  MetadataDraft,
  NOTHING,
  parseBody,
  printJson,
  utf8Bytes,
  utf8Text,
  type Value,
} from '../bloblang/index.ts'
import { fileImporter, systemWorld } from '../components/index.ts'

/** `penstock blobl`: maps the lines of the standard input. Resolves to the exit code. */
export async function runBlobl(args: readonly string[]): Promise<number> {
  if (args[0] === 'server' || args[0] === 'playground') {
    const { runBloblServer } = await import('./blobl-server.ts')
    return runBloblServer(args.slice(1))
  }
  const flags = parseFlags(args)
  if (typeof flags === 'string') return complain(flags)
  if (flags.help) {
    process.stdout.write(HELP)
    return 0
  }
  let text = flags.mapping
  if (flags.file !== '') {
    if (text !== '') return complain('invalid flags, unable to execute both a file mapping and an inline mapping')
    try {
      text = utf8Text(readFileSync(flags.file)).toWellFormed()
    } catch (error) {
      return complain(`failed to read mapping file: ${openError(flags.file, error)}`)
    }
  }
  const folder = flags.file === '' ? process.cwd() : dirname(absolute(flags.file))
  const readRelativeFile = (path: string) => systemWorld.readFile(isAbsolute(path) ? path : join(folder, path))
  const world = { ...systemWorld, readRelativeFile }
  const { mapping, diagnostics } = compileMapping(text, { world, importer: fileImporter(folder) })
  if (mapping === undefined) {
    process.stderr.write(`${red('failed to parse mapping:')} ${diagnostics[0]!.excerpt}\n`)
    return 1
  }
  if (mapping.recursive && isMainThread) return await runInWorker(args)
  return new CommandRun(mapping, flags).run()
}

/** Maps that apply themselves may nest 5000 levels deep, for which the stack of the main thread is too small. */
async function runInWorker(args: readonly string[]): Promise<number> {
  const url = workerUrl(import.meta.url, './blobl.worker.ts')
  const worker = new Worker(url, { workerData: args, resourceLimits: { stackSizeMb: MAP_STACK_MB } })
  const [code] = (await once(worker, 'exit')) as [number]
  return code
}

interface Flags {
  readonly mapping: string
  readonly file: string
  readonly raw: boolean
  readonly pretty: boolean
  readonly maxTokenLength: number
  readonly help: boolean
}

const HELP = `Usage: penstock blobl [options] [mapping]

Executes a mapping on documents from the standard input, one a line:

  cat documents.jsonl | penstock blobl 'foo.bar.map_each(this.uppercase())'
  echo '{"foo":"bar"}' | penstock blobl -f ./mapping.blobl

Options:
  -t, --threads N           accepted; one thread keeps the order and the pace
  -r, --raw                 take lines as raw text
  -p, --pretty              print documents with indentation
  -f, --file PATH           read the mapping from a file
      --max-token-length N  the longest line in bytes (default 65536)

  penstock blobl server     a page to try mappings in
`

/** The flags, or what is wrong with them. */
function parseFlags(args: readonly string[]): Flags | string {
  const flags = { mapping: '', file: '', raw: false, pretty: false, maxTokenLength: 65_536, help: false }
  for (let at = 0; at < args.length; at++) {
    const argument = args[at]!
    const match = /^--?([a-z][a-z-]*)(?:=(.*))?$/s.exec(argument)
    if (match === null || argument === '-') {
      flags.mapping = argument
      break
    }
    const [, name, inline] = match
    const value = () => inline ?? args[++at] ?? ''
    switch (name) {
      case 'f':
      case 'file':
        flags.file = value()
        break
      case 'r':
      case 'raw':
        flags.raw = inline !== 'false'
        break
      case 'p':
      case 'pretty':
        flags.pretty = inline !== 'false'
        break
      case 't':
      case 'threads':
        if (!/^\d+$/.test(value())) return `invalid value for flag -${name}`
        break
      case 'max-token-length':
        flags.maxTokenLength = Number(value())
        break
      case 'h':
      case 'help':
        flags.help = true
        break
      default:
        return `flag provided but not defined: -${name ?? ''}`
    }
  }
  return flags
}

function absolute(path: string): string {
  return isAbsolute(path) ? path : join(process.cwd(), path)
}

function openError(path: string, error: unknown): string {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOENT') return `open ${path}: no such file or directory`
  if (code === 'EISDIR') return `read ${path}: is a directory`
  return code === 'EACCES' ? `open ${path}: permission denied` : String(error)
}

function red(text: string): string {
  return process.stdout.isTTY && process.env['NO_COLOR'] === undefined ? `\u001b[31m${text}\u001b[0m` : text
}

function complain(text: string): number {
  process.stderr.write(`${red(text)}\n`)
  return 1
}

/** The one message of the command: metadata that a mapping sets stays for the lines after it. */
class Line implements MessageView {
  readonly draft = new MetadataDraft()
  readonly error = null
  #bytes: Uint8Array | null = null
  #text = ''
  #value: Value | undefined

  setText(text: string): void {
    this.#text = text
    this.#bytes = null
    this.#value = undefined
  }

  setBytes(bytes: Uint8Array): void {
    this.#bytes = bytes
    this.#value = undefined
  }

  get metadata(): ReadonlyMap<string, Value> {
    return this.draft.current
  }

  bytes(): Uint8Array {
    return (this.#bytes ??= utf8Bytes(this.#text))
  }

  bodyText(): string | null {
    return this.#bytes === null && this.#value === undefined ? this.#text : null
  }

  structured(): Value {
    return (this.#value ??= this.#bytes === null ? parseBody(this.#text) : parseBody(this.#bytes))
  }
}

/** The text of a chunk is small enough for the heap's young part, where it costs next to nothing. */
const CHUNK_BYTES = 64 * 1024

class CommandRun {
  readonly #mapping: Mapping
  readonly #flags: Flags
  readonly #line = new Line()
  readonly #batch: readonly MessageView[]
  #out = ''

  constructor(mapping: Mapping, flags: Flags) {
    this.#mapping = mapping
    this.#flags = flags
    this.#batch = [this.#line]
  }

  /** Maps all lines, chunk by chunk: a chunk that is UTF-8 becomes text as a whole, which is faster than line by line. */
  run(): number {
    let rest: Buffer = Buffer.alloc(0)
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES)
      const length = readChunk(chunk)
      const data = rest.length === 0 ? chunk.subarray(0, length) : Buffer.concat([rest, chunk.subarray(0, length)])
      const end = length === 0 ? data.length : data.lastIndexOf(10) + 1
      if (end > 0 && !this.#lines(data.subarray(0, end))) return this.#tooLong()
      this.#flush()
      if (length === 0) return 0
      rest = data.subarray(end)
      if (rest.length >= this.#flags.maxTokenLength) return this.#tooLong()
    }
  }

  #tooLong(): number {
    this.#flush()
    return complain('bufio.Scanner: token too long')
  }

  /** False where a line is longer than the limit. */
  #lines(data: Buffer): boolean {
    const plain = isAscii(data)
    const text = plain ? data.toString('latin1') : isUtf8(data) ? data.toString('utf8') : null
    const source = text ?? data
    for (let start = 0; start < source.length; ) {
      const found = text === null ? data.indexOf(10, start) : text.indexOf('\n', start)
      let end = found === -1 ? source.length : found
      const next = end + 1
      const size =
        text === null || plain || end - start < this.#flags.maxTokenLength / 4
          ? end - start
          : Buffer.byteLength(text.slice(start, end))
      if (size >= this.#flags.maxTokenLength) return false
      if (text === null) {
        if (data[end - 1] === 13) end--
        this.#line.setBytes(data.subarray(start, end))
      } else {
        if (text.charCodeAt(end - 1) === 13 && end > start) end--
        this.#line.setText(text.slice(start, end))
      }
      this.#map()
      start = next
    }
    return true
  }

  #map(): void {
    try {
      const result = this.#mapping.runCommand(this.#batch, this.#line.draft, this.#flags.raw)
      this.#out += `${this.#shown(result)}\n`
      if (this.#out.length > CHUNK_BYTES) this.#flush()
    } catch (error) {
      if (!(error instanceof MappingError)) throw error
      this.#flush()
      writeAll(2, utf8Bytes(`${red(`failed to execute map: ${error.message}`)}\n`))
    }
  }

  #shown(result: Value): string {
    if (typeof result === 'string') return result
    if (result instanceof Uint8Array) return utf8Text(result)
    if (result === DELETED) return ''
    if (result !== NOTHING) return this.#printed(result)
    if (this.#flags.raw) return this.#printed(this.#line.bytes())
    try {
      return this.#printed(this.#line.structured())
    } catch (error) {
      if (!(error instanceof MappingError)) throw error
      return utf8Text(this.#line.bytes())
    }
  }

  #printed(value: Value): string {
    return printJson(value, this.#flags.pretty ? { escapeHtml: true, indent: '  ' } : ESCAPED)
  }

  #flush(): void {
    if (this.#out === '') return
    writeAll(1, utf8Bytes(this.#out))
    this.#out = ''
  }
}

const ESCAPED = { escapeHtml: true }

/** Reads what there is; 0 at the end. A terminal that has nothing yet is asked again. */
function readChunk(chunk: Buffer): number {
  for (;;) {
    try {
      return readSync(0, chunk, 0, chunk.length, null)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EOF') return 0
      if (code !== 'EAGAIN') throw error
      pause(5)
    }
  }
}

function writeAll(descriptor: 1 | 2, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; ) {
    try {
      done += writeSync(descriptor, bytes, done)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      // Nobody reads any more: a command in a pipe ends quietly then.
      if (code === 'EPIPE') process.exit(141)
      if (code !== 'EAGAIN') throw error
      pause(1)
    }
  }
}

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}
