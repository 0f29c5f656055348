import type { ChildProcess } from 'node:child_process'
import type { Processes } from '../../engine/index.ts'

const CODES: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  ENOENT: 'no such file or directory',
}

/** Starts a program. Resolves once it runs; rejects with the original's words where it cannot. */
export function startProgram(processes: Processes, name: string, args: readonly string[]): Promise<ChildProcess> {
  return new Promise((resolve, reject) => {
    const child = processes.spawn(name, args)
    child.once('spawn', () => resolve(child))
    child.once('error', (error: NodeJS.ErrnoException) => {
      const isPath = name.includes('/')
      const reason =
        error.code === 'ENOENT' && !isPath
          ? `exec: "${name}": executable file not found in $PATH`
          : `fork/exec ${name}: ${CODES[error.code ?? ''] ?? error.message}`
      reject(new Error(reason, { cause: error }))
    })
  })
}

/** How a program ended, in the original's words; null where it ended well. */
function exitText(code: number | null, signal: NodeJS.Signals | null): string | null {
  if (signal !== null) return `signal: ${SIGNALS[signal] ?? signal}`
  return code === 0 || code === null ? null : `exit status ${code}`
}

const SIGNALS: Readonly<Record<string, string>> = {
  SIGHUP: 'hangup',
  SIGINT: 'interrupt',
  SIGQUIT: 'quit',
  SIGABRT: 'aborted',
  SIGKILL: 'killed',
  SIGSEGV: 'segmentation fault',
  SIGPIPE: 'broken pipe',
  SIGTERM: 'terminated',
}

/** Resolves when a program ended and everything that it wrote was read. */
export function whenEnded(child: ChildProcess): Promise<string | null> {
  return new Promise(resolve => child.once('close', (code, signal) => resolve(exitText(code, signal))))
}
