import type { Host } from './stdlib/spec.ts'

/** A host for tests: a constant clock, constant random numbers, and no files. */
export const inertHost: Host = {
  now: () => 1_600_000_000_000_000_000n,
  random: () => 0.5,
  randomBytes: count => new Uint8Array(count),
  env: () => undefined,
  readFile: path => {
    throw new Error(`open ${path}: no such file or directory`)
  },
  hostname: () => 'localhost',
}
