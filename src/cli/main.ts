import { constants as moduleConstants, enableCompileCache } from 'node:module'
import { constants, homedir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

if (import.meta.url.endsWith('.mjs')) keepCompiledCode()
process.exitCode = await runProgram(process.argv.slice(2))

async function runProgram(args: readonly string[]): Promise<number> {
  watchStandardOutput()
  // If everything waits indefinitely, so does the program; Node would end it with code 13.
  const alive = setInterval(() => undefined, 2 ** 30)
  try {
    return await (await import('./command-line.ts')).runCommandLine(args)
  } catch (error) {
    process.stderr.write(`penstock: ${describeFailure(error)}\n`)
    return 1
  } finally {
    clearInterval(alive)
  }
}

/** A failure that no command expected. Its stack helps to find the bug, and is shown on demand. */
function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if ((process.env['PENSTOCK_DEBUG'] ?? '') !== '') return error.stack ?? error.message
  return `${error.message} (an unexpected error; PENSTOCK_DEBUG=1 shows where it happened)`
}

/**
 * On first use, because reading `process.stdout` loads Node's streams and sockets, which a stream between files does
 * not need.
 */
function watchStandardOutput(): void {
  const lazy = Object.getOwnPropertyDescriptor(process, 'stdout')
  const get = () => {
    Object.defineProperty(process, 'stdout', { ...lazy })
    return process.stdout.on('error', endAsBrokenPipe)
  }
  Object.defineProperty(process, 'stdout', { ...lazy, get })
}

/** Ends as if by SIGPIPE once the reader of standard output is gone, as in `| head`. */
function endAsBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
  process.exit(128 + constants.signals.SIGPIPE)
}

/**
 * Makes V8 keep its compiled code, which halves the time to start: next to the program, or with the user's other caches
 * if that place is not writable. Node's default is in the folder for temporary files, where others could place code
 * first.
 */
function keepCompiledCode(): void {
  const { status } = enableCompileCache(join(import.meta.dirname, '.compiled'))
  if (status !== moduleConstants.compileCacheStatus.FAILED) return
  const caches = process.env['XDG_CACHE_HOME'] ?? ''
  enableCompileCache(join(caches === '' ? join(homedir(), '.cache') : caches, 'penstock'))
}
