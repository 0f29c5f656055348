import type { ChildProcess } from 'node:child_process'
import type { Processes } from '../../engine/index.ts'

const CODES: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  ENOENT: 'no such file or directory',
}

/** Starts a program. Resolves once it runs; rejects with the original's error message if it cannot be started. */
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

/** Describes how a program ended, in the original's words; null if it succeeded. */
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

/** Resolves once a program has ended and all of its output has been read. */
export function whenEnded(child: ChildProcess): Promise<string | null> {
  return new Promise(resolve => child.once('close', (code, signal) => resolve(exitText(code, signal))))
}
