import { Buffer } from 'node:buffer'
import type { Stats } from 'node:fs'
import { basename, dirname, normalize } from 'node:path'
import { codeOf, fileErrorText, messageOf, fieldsOf } from '../../base/index.ts'
import type { Interpolation, Value } from '../../bloblang/index.ts'
import {
  ConfigError,
  defineProcessor,
  evaluated,
  field,
  type Files,
  kept,
  type Message,
  type Resources,
  type ScannerFactory,
} from '../../engine/index.ts'
import { FileSource } from './files.ts'

type Path = (message: Message) => string
type Operation = (message: Message) => Promise<readonly Message[]>

export default defineProcessor({
  name: 'file',
  status: 'experimental',
  categories: ['Local'],
  summary: 'Reads, writes, deletes, moves or inspects a file for each message.',
  description:
    '`read` and `stat` add the metadata `file_path`, `file_name`, `file_size`, `file_mod_time_unix`, `file_mod_time` (RFC 3339), `file_is_dir` and `file_mode`. Files are written under a temporary name in the same folder and then renamed, so that no partial file is ever visible.',
  config: field
    .object({
      operation: field.string('The operation.').options({
        read: 'Reads the file and splits it with the scanner; each piece becomes a message.',
        write: 'Writes the message to the file, replacing its content.',
        delete: 'Removes the file.',
        move: 'Copies the file to `destination_path` and then removes it, also across file systems.',
        rename: 'Renames the file to `destination_path`, on the same file system.',
        stat: 'Adds the metadata of the file to the message.',
      }),
      path: field
        .interpolated('The file.')
        .needs('files')
        .lint(value => (value === '' ? "'path' must be set to a non-empty string" : undefined))
        .examples('/tmp/data.txt', '/tmp/${! json("document.id") }.txt'),
      destination_path: field
        .interpolated('The destination.')
        .needs('files')
        .optional()
        .examples('./done/${! json("name") }'),
      scanner: field.scanner('How a file is split into messages.').optional().advanced(),
    })
    .lint(value => {
      const { operation, destination_path: destination, scanner } = fieldsOf(value)
      if ((operation === 'move' || operation === 'rename') && destination === undefined) {
        return "'destination_path' must be set when operation is 'move' or 'rename'"
      }
      return operation === 'read' && scanner === undefined
        ? "'scanner' must be set when operation is 'read'"
        : undefined
    }),
  examples: [
    {
      title: 'Keeping a copy of each message',
      config:
        'pipeline:\n  processors:\n    - file:\n        operation: write\n        path: ./copies/${! this.id }.json\n',
    },
  ],
  async create(config, resources) {
    const operate = await operation(config, resources)
    return {
      waits: true,
      effects: true,
      async process(batch) {
        const results: Message[] = []
        for (const message of batch) {
          try {
            for (const result of await operate(message)) results.push(result)
          } catch (error) {
            results.push(resources.fail(message, error))
          }
        }
        return kept(results)
      },
    }
  },
})

interface Config {
  readonly operation: string
  readonly path: Interpolation
  readonly destination_path?: Interpolation | undefined
  readonly scanner?: Parameters<Resources['scanner']>[0] | undefined
}

async function operation(config: Config, resources: Resources): Promise<Operation> {
  const suffix = () => `.tmp_${Buffer.from(resources.host.randomBytes(8)).toString('hex')}`
  const { files } = resources.host
  const path = pathOf(config.path, 'path')
  switch (config.operation) {
    case 'read': {
      if (config.scanner === undefined) throw new ConfigError("field 'scanner' is required")
      const factory = await resources.scanner(config.scanner)
      return message => read(message, path(message), factory, files)
    }
    case 'write':
      return async message => {
        const target = path(message)
        await write(files, target, suffix(), message.bytes())
        return [message]
      }
    case 'delete':
      return async message => {
        const target = path(message)
        await remove(files, target).catch(failure(`failed to delete file '${target}'`, 'remove', target))
        return [message]
      }
    case 'move':
    case 'rename': {
      if (config.destination_path === undefined) {
        throw new ConfigError(`destination path is required for ${config.operation} operation`)
      }
      const from = pathOf(config.path, 'source path')
      const to = pathOf(config.destination_path, 'destination path')
      const put = config.operation === 'move' ? moveFile : renameFile
      return async message => {
        await put(from(message), to(message), suffix(), resources)
        return [message]
      }
    }
    case 'stat':
      return async message => {
        const target = path(message)
        const stats = await files.stat(target).catch(failure(`failed to get file info for '${target}'`, 'stat', target))
        return [withStats(message, target, stats)]
      }
    default:
      throw new ConfigError(`unsupported operation: ${config.operation}`)
  }
}

function pathOf(path: Interpolation, what: string): Path {
  return message => normalize(evaluated(what, () => path.eval([message], 0))).replace(/(.)\/$/, '$1')
}

async function read(
  message: Message,
  path: string,
  factory: ScannerFactory,
  files: Files,
): Promise<readonly Message[]> {
  const handle = await files.open(path, 'r').catch(failure(`failed to open file '${path}'`, 'open', path))
  const source = new FileSource(handle, path, new Map())
  try {
    const stats = await handle.stat()
    const described = withStats(message, path, stats)
    const scanner = factory.scan(source)
    const results: Message[] = []
    try {
      for (let pieces = await scanner.next(); pieces !== null; pieces = await scanner.next()) {
        for (const piece of pieces) results.push(described.withBytes(piece.bytes()))
      }
    } finally {
      await scanner.close()
    }
    return results.length === 0 ? [described] : results
  } catch (error) {
    throw new Error(`failed to read from scanner for file '${path}': ${messageOf(error)}`)
  } finally {
    await source.close()
  }
}

async function write(files: Files, path: string, suffix: string, bytes: Uint8Array): Promise<void> {
  const folder = dirname(path)
  await files.mkdir(folder).catch(failure(`failed to create directory for '${path}'`, 'mkdir', folder))
  const draft = path + suffix
  await files
    .writeFile(draft, bytes)
    .catch(failure(`failed to open temporary file '${draft}' for writing`, 'open', draft))
  await put(files, draft, path, `failed to rename temporary file '${draft}' to '${path}'`)
}

async function moveFile(from: string, to: string, suffix: string, { log, host }: Resources): Promise<void> {
  const { files } = host
  const folder = dirname(to)
  await files.mkdir(folder).catch(failure(`failed to create directory for '${to}'`, 'mkdir', folder))
  const draft = to + suffix
  await files.copyFile(from, draft).catch(failure(`failed to open source file '${from}'`, 'open', from))
  await put(files, draft, to, `failed to rename temporary file '${draft}' to '${to}'`)
  await files
    .unlink(from)
    .catch((error: NodeJS.ErrnoException) =>
      log.error(
        `Failed to delete source file '${from}' after successful copy to '${to}': ${fileErrorText('remove', from, error)}`,
      ),
    )
}

async function renameFile(from: string, to: string, _: string, { host }: Resources): Promise<void> {
  await host.files
    .rename(from, to)
    .catch(failure(`failed to rename file from '${from}' to '${to}'`, 'rename', `${from} ${to}`))
}

/** Renames a complete draft into place, or removes it. */
async function put(files: Files, draft: string, path: string, what: string): Promise<void> {
  try {
    await files.rename(draft, path)
  } catch (error) {
    await files.unlink(draft)
    failure(what, 'rename', `${draft} ${path}`)(error as NodeJS.ErrnoException) // rename throws system errors
  }
}

/** Removes a file or an empty folder. */
async function remove(files: Files, path: string): Promise<void> {
  try {
    await files.unlink(path)
  } catch (error) {
    if (codeOf(error) !== 'EISDIR') throw error
    await files.rmdir(path)
  }
}

function failure(what: string, call: string, path: string): (error: NodeJS.ErrnoException) => never {
  return error => {
    throw new Error(`${what}: ${fileErrorText(call, path, error)}`, { cause: error })
  }
}

function withStats(message: Message, path: string, stats: Stats): Message {
  const metadata = new Map<string, Value>(message.metadata)
  const isFolder = stats.isDirectory()
  metadata.set('file_path', path)
  metadata.set('file_size', BigInt(stats.size))
  metadata.set('file_mod_time_unix', BigInt(Math.floor(stats.mtimeMs / 1000)))
  metadata.set('file_mod_time', stats.mtime.toISOString().replace(/\.\d+Z$/, 'Z'))
  metadata.set('file_name', basename(path))
  metadata.set('file_is_dir', isFolder)
  metadata.set('file_mode', `${isFolder ? 'd' : '-'}${permissions(stats.mode)}`)
  return message.withMetadata(metadata)
}

/** `rwxr-xr-x`. */
function permissions(mode: number): string {
  return [...'rwxrwxrwx'].map((letter, index) => ((mode >> (8 - index)) & 1 ? letter : '-')).join('')
}
