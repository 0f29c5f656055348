import type { World } from './stdlib/spec.ts'

/** A world for tests: time stands still, chance always decides alike, and there are no files. */
export const stillWorld: World = {
  now: () => 1_600_000_000_000_000_000n,
  random: () => 0.5,
  randomBytes: count => new Uint8Array(count),
  env: () => undefined,
  readFile: path => {
    throw new Error(`open ${path}: no such file or directory`)
  },
  hostname: () => 'localhost',
}
