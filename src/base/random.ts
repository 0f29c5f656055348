import { randomBytes } from 'node:crypto'

/** Source of randomness. Everything outside the rim receives it, so that a simulation can repeat itself. */
export interface Random {
  /** Returns `count` unpredictable bytes. */
  bytes(count: number): Uint8Array
}

export const systemRandom: Random = { bytes: count => randomBytes(count) }
