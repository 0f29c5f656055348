import { randomFillSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { isAbsolute, join, dirname } from 'node:path'
import process from 'node:process'
import type { Importer, Host } from '../bloblang/index.ts'
import { fileErrorText } from './io/files.ts'

/** The host as this process sees it: its clock, random numbers, environment and files. */
export const systemHost: Host = {
  now: () => BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n,
  random: () => Math.random(),
  randomBytes: count => randomBytes(count),
  env: name => process.env[name],
  readFile: path => read(path),
  hostname: () => hostname(),
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

/** Imports of mappings from files; relative paths start at `folder`. */
export function fileImporter(folder: string): Importer {
  const locate = (path: string) => (isAbsolute(path) ? path : join(folder, path))
  return {
    read: path => Buffer.from(read(locate(path))).toString('utf8'),
    relativeTo: path => fileImporter(dirname(locate(path))),
  }
}

function read(path: string): Uint8Array {
  try {
    return readFileSync(path)
  } catch (error) {
    const failure = error as NodeJS.ErrnoException
    // A folder can be opened; it is reading it that fails.
    throw new Error(fileErrorText(failure.code === 'EISDIR' ? 'read' : 'open', path, failure), { cause: error })
  }
}
