import { codeOf } from '../base/index.ts'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'

/**
 * Creates a folder for this process, `penstock-PURPOSE-PID-…` in the system's temporary folder. The caller removes it
 * at the end; the folder of a killed process is removed by the next process that calls this.
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
    // On a shared machine it may belong to another user.
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
