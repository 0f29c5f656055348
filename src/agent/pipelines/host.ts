import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import process from 'node:process'
import type { Host } from '../../bloblang/index.ts'

/** What mappings of managed pipelines see of the host: without access to the host no files and no variables. */
export function pipelineHost(hostAccess: boolean): Host {
  return {
    now: () => BigInt(Date.now()) * 1_000_000n,
    random: () => Math.random(),
    randomBytes: count => randomBytes(count),
    env: name => (hostAccess ? process.env[name] : undefined),
    readFile(path) {
      if (hostAccess) return readFileSync(path)
      throw new Error(`managed pipelines may not read files of the agent's host: ${path}`)
    },
    hostname: () => hostname(),
  }
}
