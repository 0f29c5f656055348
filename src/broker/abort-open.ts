import type { Clock, Log, Random } from '../base/index.ts'
import type { Metadata } from '../metadata/index.ts'
import type { ObjectStore } from '../storage/index.ts'
import { defaultBrokerConfig } from './config.ts'
import { localLogConfig, openRecordLog, type OpenTransaction } from './log/index.ts'
import { topicConfig } from './topic-config.ts'

interface AbortOptions {
  readonly metadata: Metadata
  readonly store: ObjectStore
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/**
 * Aborts the transactions that were left open when metadata was rebuilt; resolves
 * to the number that could not be aborted.
 */
export async function abortOpenTransactions(
  open: readonly OpenTransaction[],
  { metadata, store, clock, random, log }: AbortOptions,
): Promise<number> {
  if (open.length === 0) return 0
  const config = { ...localLogConfig, runsJobs: false }
  const topicConfigOf = (topic: Parameters<typeof topicConfig>[0]) => topicConfig(topic, defaultBrokerConfig)
  const records = await openRecordLog({ metadata, store, clock, random, log, config, topicConfig: topicConfigOf })
  let failed = 0
  for (const { partition, producerId, epoch } of open) {
    const producer = { producerId, epoch }
    const end = { id: null, producer, commit: false, markerEpoch: epoch, next: producer }
    const [outcome] = await records.endTransaction(end, [partition], 0)
    if (!outcome!.ok) failed++
  }
  await records.close()
  return failed
}
