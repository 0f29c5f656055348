import { constants, enableCompileCache } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

/** A command that Penstock adds; every other word and flag is the stream engine's command line (`bento.ts`). */
export interface Command {
  /** One line for the list of commands. */
  readonly summary: string
  /** Runs with the words behind the command's name and resolves to the exit code. */
  run(args: readonly string[]): Promise<number>
}

const commands: Readonly<Record<string, () => Promise<{ default: Command }>>> = {
  blobl: () => import('./blobl.ts'),
  playground: () => import('./playground.ts'),
  standalone: () => import('./standalone.ts'),
}

if (import.meta.url.endsWith('.mjs')) keepCompiledCode()
const [word, ...rest] = process.argv.slice(2)
const load = word === undefined ? undefined : Object.hasOwn(commands, word) ? commands[word] : undefined
if (load === undefined) {
  const { runBento } = await import('./bento.ts')
  process.exitCode = await runBento(process.argv.slice(2))
} else {
  process.exitCode = await (await load()).default.run(rest)
}

/**
 * Has V8 keep what it compiles, which halves the time to start: beside the program, or with the user's other caches where
 * that place cannot be written. Node's own choice, a folder below the one for temporary files, others could fill first.
 */
function keepCompiledCode(): void {
  const { status } = enableCompileCache(join(import.meta.dirname, '.compiled'))
  if (status !== constants.compileCacheStatus.FAILED) return
  const caches = process.env['XDG_CACHE_HOME'] ?? ''
  enableCompileCache(join(caches === '' ? join(homedir(), '.cache') : caches, 'penstock'))
}
