import { readdirSync, readFileSync } from 'node:fs'
import process from 'node:process'
import type { ProcessFigures } from '../engine/index.ts'

/** The resource usage of this process. Open files and virtual memory are known on Linux, and 0 elsewhere. */
export function processFigures(): ProcessFigures {
  const { user, system } = process.cpuUsage()
  return {
    cpuSeconds: (user + system) / 1e6,
    residentBytes: process.memoryUsage.rss(),
    virtualBytes: onLinux(() => Number(readFileSync('/proc/self/statm', 'utf8').split(' ')[0]) * 4096),
    startedAtSeconds: Date.now() / 1000 - process.uptime(),
    openFiles: onLinux(() => readdirSync('/proc/self/fd').length),
  }
}

function onLinux(read: () => number): number {
  return process.platform === 'linux' ? read() : 0
}
