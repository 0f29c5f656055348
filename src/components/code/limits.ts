import { field } from '../../engine/index.ts'

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
