import type { Clock, Log } from '../base/index.ts'
import { DatabaseError } from '../database/index.ts'
import { MetadataError } from '../metadata/index.ts'
import { StorageError } from '../storage/index.ts'

/** How long a program that starts waits for what may be starting as well: a database, a bucket. In milliseconds. */
const patienceMs = 20_000
const pauseMs = 500

/**
 * Does `work` until it succeeds, fails for good, or the time is over; then rejects with its last error. A machine that starts
 * again starts everything at once, and a database that has crashed is there again in a moment: a program that ended at the
 * first refusal would depend on somebody to start it again.
 * @param what is not there, for the log
 */
export async function patiently<Result>(
  what: string,
  clock: Clock,
  log: Log,
  work: () => Promise<Result>,
): Promise<Result> {
  const giveUpAt = clock.monotonic() + patienceMs
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!mayPass(error) || clock.monotonic() + pauseMs > giveUpAt) throw error
      log.warn(`${what} cannot be used yet`, { error: error instanceof Error ? error.message : String(error) })
      await clock.sleep(pauseMs)
    }
  }
}

/** Whether an error, or its cause, may be temporary. A start may be repeated, however far it has come. */
function mayPass(error: unknown): boolean {
  if (error instanceof DatabaseError) return error.isRetriable || error.code === 'unknown_outcome'
  if (error instanceof MetadataError) return error.code === 'busy' || error.code === 'unknown_outcome'
  if (error instanceof StorageError) return error.code === 'unavailable'
  return error instanceof Error && error.cause !== undefined && mayPass(error.cause)
}
