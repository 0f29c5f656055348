import { randomBytes } from 'node:crypto'

/** Where chance comes from. Everything outside the rim receives it, so that a simulation can repeat itself. */
export interface Random {
  /** `count` unpredictable bytes. */
  bytes(count: number): Uint8Array
}

export const systemRandom: Random = { bytes: count => randomBytes(count) }
