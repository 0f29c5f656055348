import type { MetadataErrorCode } from '../errors.ts'
import { type Database, metadataError } from './database.ts'
import { groupReads, groupWrites } from './groups.ts'
import { housekeepingReads, housekeepingWrites } from './housekeeping.ts'
import { logReads, logWrites } from './log.ts'
import { mergeReads, mergeWrites } from './merge.ts'
import { fact, setFact, topicReads, topicWrites } from './topics.ts'

const reads = { ...topicReads, ...logReads, ...groupReads, ...housekeepingReads, ...mergeReads }

const writes = {
  ...topicWrites,
  ...logWrites,
  ...groupWrites,
  ...housekeepingWrites,
  ...mergeWrites,
  /** The cluster's id; the first one that is proposed stays. */
  clusterId: (database: Database, proposed: string): string => {
    const known = fact(database, 'cluster_id')
    if (known) return known
    setFact(database, 'cluster_id', proposed)
    return proposed
  },
}

const operations = { ...reads, ...writes }

/** All that can be asked of the database, by name. */
export type Calls = typeof operations
export type CallName = keyof Calls
export type CallArguments<Name extends CallName> = Calls[Name] extends (
  database: Database,
  ...rest: infer Rest
) => unknown
  ? Rest
  : never
export type CallResult<Name extends CallName> = ReturnType<Calls[Name]>

/** One call as it travels to the thread of the database. */
export interface Call {
  readonly name: CallName
  readonly arguments: readonly unknown[]
}

export type CallOutcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: MetadataErrorCode; readonly message: string }

/**
 * Carries out calls that came together. Reads are answered first, from what was committed before; all writes share
 * one transaction, hence one wait for the disk, in which each stands or falls alone.
 */
export function execute(database: Database, calls: readonly Call[]): CallOutcome[] {
  const outcomes: CallOutcome[] = []
  const writing: number[] = []
  calls.forEach((call, index) => {
    if (call.name in writes) writing.push(index)
    else outcomes[index] = attempt(() => database.transaction(() => invoke(database, call), 'read'))
  })
  if (writing.length === 0) return outcomes

  const together = attempt(() => {
    database.transaction(() => {
      for (const index of writing) {
        outcomes[index] = attempt(() => database.savepoint(() => invoke(database, calls[index]!)))
      }
    }, 'write')
  })
  // When the transaction as a whole fails, nothing that any of them answered is true.
  if (!together.ok) for (const index of writing) outcomes[index] = together
  return outcomes
}

function invoke(database: Database, call: Call): unknown {
  // The caller's types bind the arguments to the name (see Calls); on the way through the port they are lost.
  const operation = operations[call.name] as (database: Database, ...rest: readonly unknown[]) => unknown
  return operation(database, ...call.arguments)
}

function attempt(body: () => unknown): CallOutcome {
  try {
    return { ok: true, value: body() }
  } catch (cause) {
    const { code, message } = metadataError(cause, 'the metadata could not be used')
    return { ok: false, code, message }
  }
}
