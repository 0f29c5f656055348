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

/** All operations on the metadata, by name. */
type Calls = typeof operations
export type CallName = keyof Calls
/** A caller's arguments: everything that the operation takes except the time. */
export type CallArguments<Name extends CallName> = Calls[Name] extends (sql: Sql, ...rest: infer Rest) => unknown
  ? Rest extends [...infer Given, Now]
    ? Given
    : Rest
  : never
export type CallResult<Name extends CallName> = Awaited<ReturnType<Calls[Name]>>

/** A call as it is sent to the process or thread that holds the database. */
export interface Call {
  readonly name: CallName
  readonly arguments: readonly unknown[]
}

/** A call as it is executed, with the time. */
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
 * Idempotent writes: executed a second time right after the first, they return the same result and lose nothing. Some
 * leave what the first execution reserved unused.
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

/** Whether a call may be repeated when its outcome is unknown. */
export function isRepeatable(name: CallName): boolean {
  return !(name in writes) || repeatableWrites.has(name)
}

/** Writes that may be lost in a power failure, because an extension that is lost just expires earlier. */
const relaxed: ReadonlySet<CallName> = new Set(['renewLeases', 'renewEpoch'])

/**
 * Whether a write is synced to disk. The beginning of a transaction is not: it matters once the transaction has records or
 * offsets, and their commit syncs all earlier ones.
 */
export function isDurable({ name, arguments: values }: Call): boolean {
  if (name !== 'stepTransaction') return !relaxed.has(name)
  const [, event] = values as CallArguments<'stepTransaction'> // the name tells the arguments
  return event.kind !== 'begin'
}

export function invoke(sql: Sql, call: TimedCall): Promise<unknown> {
  // The caller's types tie the arguments to the name (see Calls); they are lost in transit.
  const operation = operations[call.name] as (sql: Sql, ...rest: readonly unknown[]) => Promise<unknown>
  // Operations that need no time ignore the extra argument.
  return operation(sql, ...call.arguments, call.now)
}

/** Converts an error of the database to a MetadataError. */
export function metadataError(cause: unknown): MetadataError {
  if (cause instanceof MetadataError) return cause
  if (!(cause instanceof DatabaseError)) throw cause
  return new MetadataError(codes[cause.code], `cannot access the metadata: ${cause.message}`, { cause })
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
