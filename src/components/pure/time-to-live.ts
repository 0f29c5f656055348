import { messageOf } from '../../base/index.ts'
import type { Interpolation } from '../../bloblang/index.ts'
import { evaluated, type Message, parseDuration } from '../../engine/index.ts'

/**
 * The time to live in milliseconds that `ttl` evaluates to for a message; undefined if empty. Throws if it is not a
 * duration.
 */
export function timeToLive(
  ttl: Interpolation | undefined,
  batch: readonly Message[],
  index: number,
): number | undefined {
  const text = evaluated('ttl', () => ttl?.eval(batch, index) ?? '')
  if (text === '') return undefined
  try {
    return parseDuration(text)
  } catch (error) {
    throw new Error(`ttl must be a duration: ${messageOf(error)}`, { cause: error })
  }
}
