import { type Clock, isCertificateRefused, type Log } from '../base/index.ts'
import { DatabaseError } from '../database/index.ts'
import { MetadataError } from '../metadata/index.ts'
import { StorageError } from '../storage/index.ts'

/** How long a starting program waits for a database or a bucket that may be starting as well, in milliseconds. */
const patienceMs = 20_000
const pauseMs = 500

/**
 * Repeats `work` until it succeeds, fails permanently, or the time is up; then rejects with its last error. A machine
 * that boots starts everything together, and a crashed database is back in a moment: a program that ended at the first
 * failure would need someone to restart it.
 * @param what is unavailable, for the log
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

/** Whether an error, or its cause, may be temporary. A start may be repeated, however far it got. */
function mayPass(error: unknown): boolean {
  if (isCertificateRefused(error)) return false
  if (error instanceof DatabaseError) return error.isRetriable || error.code === 'unknown_outcome'
  if (error instanceof MetadataError) return error.code === 'busy' || error.code === 'unknown_outcome'
  if (error instanceof StorageError) return error.code === 'unavailable'
  return error instanceof Error && error.cause !== undefined && mayPass(error.cause)
}
