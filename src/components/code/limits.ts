import { field, type Resources } from '../../engine/index.ts'

/** The limits of users' code, which the original does not have. */
export const timeLimitField = field
  .duration('How long the code may run for a message. Waiting does not count.')
  .default('5s')
  .advanced()

export const memoryLimitField = field
  .int('How much memory the code may have, in MiB.')
  .default(128)
  .lint(mib => (typeof mib === 'number' && mib < 16 ? 'memory_limit_mib has to be at least 16' : undefined))
  .advanced()

/** Users' code was stopped because its time was over. */
export class TimeoutError extends Error {
  constructor(what: string, limitMs: number) {
    super(`the ${what} used more than its ${limitMs} ms`)
    this.name = 'TimeoutError'
  }
}

/**
 * Goes on when the event loop had its turn, so that a thread in which one message after the other runs into its limit is still
 * known to be alive.
 */
export async function afterTurn<T>(resources: Resources, next: () => T): Promise<T> {
  await resources.wait(1)
  return next()
}
