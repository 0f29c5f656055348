import { spawn } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { hostname } from 'node:os'
import process from 'node:process'
import type { ComponentHost, Processes, Stdio } from '../engine/index.ts'
import { openDatabases } from './databases.ts'
import { openFiles } from './files.ts'
import { fileErrorText, codeOf } from '../base/index.ts'
import { openListening } from './listening.ts'
import { openNetwork } from './network.ts'

export const openProcesses: Processes = {
  spawn: (name, args) => spawn(name, args, { stdio: ['pipe', 'pipe', 'pipe'] }),
}

export const openStdio: Stdio = {
  get input() {
    return process.stdin
  },
  get output() {
    return process.stdout
  },
}

/** The machine without restrictions: for a program that a person starts for a single configuration. */
export const systemHost: ComponentHost = {
  now: () => BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n,
  random: () => Math.random(),
  randomBytes: count => randomBytes(count),
  env: name => process.env[name],
  readFile: path => readForMapping(path),
  hostname: () => hostname(),
  files: openFiles,
  databases: openDatabases,
  processes: openProcesses,
  network: openNetwork,
  listen: openListening,
  stdio: openStdio,
}

/** Random bytes are generated in bulk: a call for sixteen costs as much as one for thousands. */
const pool = new Uint8Array(4096)
let poolAt = pool.length

function randomBytes(count: number): Uint8Array {
  if (count > 256) return randomFillSync(new Uint8Array(count))
  if (poolAt + count > pool.length) {
    randomFillSync(pool)
    poolAt = 0
  }
  const bytes = pool.slice(poolAt, poolAt + count)
  // Later readers of this memory must not find bytes that were handed out.
  pool.fill(0, poolAt, poolAt + count)
  poolAt += count
  return bytes
}

/** Reads a file; errors have the wording of the mapping language. */
export function readForMapping(path: string): Uint8Array {
  try {
    return openFiles.readFileSync(path)
  } catch (error) {
    // Opening a folder succeeds; only reading it fails.
    throw new Error(fileErrorText(codeOf(error) === 'EISDIR' ? 'read' : 'open', path, error), { cause: error })
  }
}
