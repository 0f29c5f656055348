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

/** The machine without limits: what a program gets that a person starts for one configuration. */
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

/** Random bytes are fetched for many calls at once: a call for sixteen costs as much as one for thousands. */
const pool = new Uint8Array(4096)
let poolAt = pool.length

function randomBytes(count: number): Uint8Array {
  if (count > 256) return randomFillSync(new Uint8Array(count))
  if (poolAt + count > pool.length) {
    randomFillSync(pool)
    poolAt = 0
  }
  const bytes = pool.slice(poolAt, poolAt + count)
  // A later reader of the memory must not find bytes that were given out.
  pool.fill(0, poolAt, poolAt + count)
  poolAt += count
  return bytes
}

/** A file's bytes, or an error in the words of the mapping language. */
export function readForMapping(path: string): Uint8Array {
  try {
    return openFiles.readFileSync(path)
  } catch (error) {
    // A folder can be opened; it is reading it that fails.
    throw new Error(fileErrorText(codeOf(error) === 'EISDIR' ? 'read' : 'open', path, error), { cause: error })
  }
}
