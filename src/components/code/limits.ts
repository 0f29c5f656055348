import { field, type Resources } from '../../engine/index.ts'

/** Limits for user code, an addition to the original's fields. */
export const timeLimitField = field
  .duration('How long the code may run per message. Time spent waiting does not count.')
  .default('5s')
  .advanced()

export const memoryLimitField = field
  .int('The memory limit of the code, in MiB.')
  .default(128)
  .lint(mib => (typeof mib === 'number' && mib < 16 ? 'memory_limit_mib has to be at least 16' : undefined))
  .advanced()

/** User code was stopped because it exceeded its time limit. */
export class TimeoutError extends Error {
  constructor(what: string, limitMs: number) {
    super(`the ${what} used more than its ${limitMs} ms`)
    this.name = 'TimeoutError'
  }
}

/**
 * Continues after a turn of the event loop, so that a thread in which message after message hits its limit still counts
 * as alive.
 */
export async function afterTurn<T>(resources: Resources, next: () => T): Promise<T> {
  await resources.wait(1)
  return next()
}
