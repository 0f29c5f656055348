import { dirname, isAbsolute, join, resolve } from 'node:path'
import process from 'node:process'
import { compileMapping, type CompileResult, type Mapping } from '../bloblang/index.ts'
import { fileImporter, systemHost } from '../host/index.ts'
import type { Paint } from './blobl-colors.ts'
import type { bloblFlags } from './commands.ts'
import type { FlagValues } from './flags.ts'
import { CHUNK_BYTES, InputError, LineReader, LineWriter } from './blobl-io.ts'
import { LineMapper } from './blobl-lines.ts'
import { SharedInput, type SharedMemory } from './blobl-shared-input.ts'

export type BloblFlags = FlagValues<typeof bloblFlags>

/** What to do with the lines of standard input. */
export interface BloblJob {
  readonly mapping: string
  readonly flags: BloblFlags
}

/** The amount of output that may wait for its turn. */
const WAITING_BYTES = 16 * CHUNK_BYTES

export function compileJob({ mapping, flags }: BloblJob, withoutFunctions: readonly string[] = []): CompileResult {
  const folder = flags.file === '' ? process.cwd() : dirname(resolve(flags.file))
  const readRelativeFile = (path: string) => systemHost.readFile(isAbsolute(path) ? path : join(folder, path))
  const host = { ...systemHost, readRelativeFile }
  return compileMapping(mapping, { host, importer: fileImporter(folder), withoutFunctions })
}

/** Maps all lines and returns the exit code. With shared memory, other threads map some of them. */
export function runJob({ flags }: BloblJob, mapping: Mapping, paint: Paint, memory?: SharedMemory): number {
  const reader = new LineReader(flags['max-token-length'])
  const shared = memory === undefined ? undefined : new SharedInput(reader, memory)
  const writer =
    shared === undefined
      ? new LineWriter(CHUNK_BYTES, () => undefined)
      : new LineWriter(WAITING_BYTES, () => shared.waitForTurn())
  const mapper = new LineMapper(mapping, flags, writer, paint)
  const mapAll = () => {
    for (;;) {
      const lines = (shared ?? reader).next()
      if (lines.length === 0) return
      mapper.map(lines)
      writer.flush()
      shared?.endTurn()
    }
  }
  try {
    mapAll()
    return 0
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    writer.error(paint(error.message))
    writer.flush()
    return 1
  }
}
