import { DatabaseError, type DatabaseErrorCode, type Sql } from '../database/index.ts'
import { MetadataError, type MetadataErrorCode } from './errors.ts'
import type { Now } from './now.ts'
import { factWrites } from './operations/facts.ts'
import { groupReads, groupWrites } from './operations/groups.ts'
import { housekeepingReads, housekeepingWrites } from './operations/housekeeping.ts'
import { leaseReads, leaseWrites } from './operations/leases.ts'
import { logReads, logWrites } from './operations/log.ts'
import { mergeReads, mergeWrites } from './operations/merge.ts'
import { settingReads, settingWrites } from './operations/settings.ts'
import { recallReads } from './operations/recall.ts'
import { securityReads, securityWrites } from './operations/security.ts'
import { timeReads } from './operations/time.ts'
import { topicReads, topicWrites } from './operations/topics.ts'
import { snapshotReads } from './operations/snapshot.ts'
import { transactionReads, transactionWrites } from './operations/transactions.ts'

const reads = {
  ...topicReads,
  ...logReads,
  ...recallReads,
  ...groupReads,
  ...housekeepingReads,
  ...mergeReads,
  ...leaseReads,
  ...securityReads,
  ...settingReads,
  ...timeReads,
  ...snapshotReads,
  ...transactionReads,
}
const writes = {
  ...factWrites,
  ...topicWrites,
  ...logWrites,
  ...groupWrites,
  ...housekeepingWrites,
  ...mergeWrites,
  ...securityWrites,
  ...settingWrites,
  ...leaseWrites,
  ...transactionWrites,
}

const operations = { ...reads, ...writes }

/** All that can be asked of the metadata, by name. */
type Calls = typeof operations
export type CallName = keyof Calls
/** What a caller gives: all that the operation takes but the time. */
export type CallArguments<Name extends CallName> = Calls[Name] extends (sql: Sql, ...rest: infer Rest) => unknown
  ? Rest extends [...infer Given, Now]
    ? Given
    : Rest
  : never
export type CallResult<Name extends CallName> = Awaited<ReturnType<Calls[Name]>>

/** One call as it travels to where the database is. */
export interface Call {
  readonly name: CallName
  readonly arguments: readonly unknown[]
}

/** A call where it is carried out, with the time. */
export interface TimedCall extends Call {
  /** Milliseconds since 1970. */
  readonly now: number
}

export function kindOf({ name }: Call): 'read' | 'write' {
  return name in writes ? 'write' : 'read'
}

export function isCallName(name: string): name is CallName {
  return Object.hasOwn(operations, name)
}

/**
 * Writes that come to the same when they are carried out a second time, right after the first: the same answer, and nothing
 * lost. Of some, what was reserved the first time stays unused.
 */
const repeatableWrites: ReadonlySet<string> = new Set<CallName>([
  'clusterId',
  'openEpoch',
  'renewEpoch',
  'closeEpoch',
  'advanceLogStart',
  'expireProducers',
  'allocateProducerIds',
  'acquireLeases',
  'renewLeases',
  'raiseFence',
  'releaseLeases',
  'commitOffsets',
  'deleteOffsets',
  'saveGroup',
  'setTopicConfigs',
  'putCredentials',
  'expireCredentials',
  'setAclMode',
  'changeAcls',
  'stepTransaction',
  'commitTransactionOffsets',
  'purgeDeletedTopics',
  'purgeDeletedTopic',
  'retain',
  'forgetObjects',
  'closedEpochs',
  'forgetEpoch',
])

/** Whether a call may be made again when its outcome is not known. */
export function isRepeatable(name: CallName): boolean {
  return !(name in writes) || repeatableWrites.has(name)
}

/** Writes whose loss in a power failure does no harm: what was extended expires earlier. They do not wait for the disk. */
const relaxed: ReadonlySet<CallName> = new Set(['renewLeases', 'renewEpoch'])

export function isDurable({ name }: Call): boolean {
  return !relaxed.has(name)
}

export function invoke(sql: Sql, call: TimedCall): Promise<unknown> {
  // The caller's types bind the arguments to the name (see Calls); on the way they are lost.
  const operation = operations[call.name] as (sql: Sql, ...rest: readonly unknown[]) => Promise<unknown>
  // Those operations that do not take the time leave it.
  return operation(sql, ...call.arguments, call.now)
}

/** What a database threw, as a MetadataError. */
export function metadataError(cause: unknown): MetadataError {
  if (cause instanceof MetadataError) return cause
  if (!(cause instanceof DatabaseError)) throw cause
  return new MetadataError(codes[cause.code], `the metadata could not be used: ${cause.message}`, { cause })
}

const codes: Readonly<Record<DatabaseErrorCode, MetadataErrorCode>> = {
  busy: 'busy',
  conflict: 'busy',
  unreachable: 'busy',
  full: 'busy',
  unknown_outcome: 'unknown_outcome',
  closed: 'closed',
  duplicate: 'failed',
  newer_schema: 'failed',
  failed: 'failed',
}
