// Shared by the commands on a bucket.
import process from 'node:process'
import type { BucketFinding } from '../broker/index.ts'
import { DatabaseError } from '../database/index.ts'
import { MetadataError } from '../metadata/index.ts'
import { StorageError } from '../storage/index.ts'
import { closeAll, type Closers } from './agent-parts.ts'
import { serve } from './serving.ts'

/** The number of findings by severity. */
export type FindingCounts = Readonly<Record<BucketFinding['severity'], number>>

/** What a command gets. */
export interface BucketWork {
  readonly closers: Closers
  /** Prints a finding. */
  readonly onFinding: (finding: BucketFinding) => void
  readonly counts: FindingCounts
  /** Aborts when a signal asks the command to stop. */
  readonly signal: AbortSignal
}

/**
 * Runs a command on a bucket, which prints its findings and then the summary that `work` resolves to. `stopped` and
 * `failed` explain an end by a signal or a failure. Resolves to the exit code: 1 if anything is damaged or failed.
 */
export function runOnBucket(
  name: 'bucket check' | 'bucket rebuild',
  texts: { readonly stopped: string; readonly failed: string },
  work: (work: BucketWork) => Promise<string>,
): Promise<number> {
  return serve(name, async () => {
    const closers: Closers = []
    const stop = new AbortController()
    const onSignal = () => stop.abort()
    process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
    const counts = { damage: 0, note: 0 }
    const onFinding = (finding: BucketFinding) => {
      counts[finding.severity]++
      process.stdout.write(`${finding.severity}: ${finding.where}: ${finding.message}\n`)
    }
    try {
      process.stdout.write(await work({ closers, onFinding, counts, signal: stop.signal }))
      return counts.damage === 0 ? 0 : 1
    } catch (error) {
      if (stop.signal.aborted) process.stderr.write(`penstock ${name}: ${texts.stopped}\n`)
      else if (error instanceof StorageError || error instanceof MetadataError || error instanceof DatabaseError)
        process.stderr.write(`penstock ${name}: ${texts.failed}: ${error.message}\n`)
      else throw error
      return 1
    } finally {
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
      await closeAll(closers)
    }
  })
}
