import { codeOf } from '../base/index.ts'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

/**
 * Makes a folder that goes with this process, `penstock-PURPOSE-PID-…` in the system's temporary folder. The caller
 * removes it at the end; a process that was killed leaves its own behind, which the next one clears away.
 */
export function temporaryFolder(purpose: string): string {
  const prefix = `penstock-${purpose}-`
  for (const name of readdirSync(tmpdir())) {
    const pid = name.startsWith(prefix) ? Number(name.slice(prefix.length).split('-')[0]) : 0
    if (pid > 0 && !isAlive(pid)) remove(join(tmpdir(), name))
  }
  return mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`))
}

function remove(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true })
  } catch (error) {
    const code = codeOf(error)
    // On a shared machine it may be another person's.
    if (code !== 'EACCES' && code !== 'EPERM') throw error
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) === 'EPERM'
  }
}
